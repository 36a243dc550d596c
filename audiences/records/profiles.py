"""A profile with everything about it, as plain data."""

from typing import Any

from django.utils import timezone

from audiences import addresses
from audiences.channels import FLAGS
from audiences.consent import events_of
from audiences.models import ConsentEvent, Profile, Subscription
from audiences.signups import waiting


def describe(profile: Profile) -> dict[str, Any]:
    """Everything known about a profile, as plain data (P5, S3, A2)."""
    return {
        "id": profile.pk,
        "external_id": profile.external_id,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "language": profile.language,
        "country": profile.country,
        "created": profile.created_at.isoformat(),
        "flags": {flag: getattr(profile, flag) for flag in FLAGS.values()},
        "addresses": [
            {
                "channel": address.channel,
                "address": address.value,
                "key": address.key,
                "primary": address.is_primary,
                "valid": address.is_valid,
                "quarantine_status": address.quarantine_status,
            }
            for address in profile.addresses.order_by("channel", "-is_primary", "id")
        ],
        "shared_with": [
            {
                "profile": other.profile_id,
                "channel": other.channel,
                "address": other.value,
            }
            for other in addresses.sharing(profile)
        ],
        "subscriptions": [
            {
                "service": subscription.service.slug,
                "status": subscription.status_at(timezone.now()),
                "since": subscription.changed_at.isoformat(),
                "expires": _iso(subscription.expires_at),
            }
            for subscription in Subscription.objects.filter(
                profile=profile
            ).select_related("service")
        ],
        "signup_requests": [
            {
                "page": request.version.name,
                "address": request.email,
                "asked": request.created_at.isoformat(),
                "expires": request.expires_at.isoformat(),
            }
            for request in waiting.signups_of(profile).select_related("version")
        ],
        "history": [_event(event) for event in events_of(profile.pk)],
    }


def _event(event: ConsentEvent) -> dict[str, Any]:
    evidence = getattr(event, "evidence", None)
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "channel": event.channel or None,
        "service": event.service.slug if event.service else None,
        "source": event.source,
        "wording_version": event.wording_version or None,
        "delivery": event.delivery_id,
        "actor": evidence.actor if evidence else "",
        "note": evidence.note if evidence else "",
    }


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
