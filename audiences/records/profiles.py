"""A profile with everything about it, as plain data."""

from typing import Any

from django.utils import timezone

from audiences import addresses, fields, tags, wishes
from audiences.channels import FLAGS
from audiences.consent import events_of
from audiences.models import ConsentEvent, ContactWish, Profile, Subscription
from audiences.signups import requesting


def describe(profile: Profile) -> dict[str, Any]:
    """Everything known about a profile, as plain data (P5, S3, A2)."""
    return {
        **identity(profile),
        "language": profile.language,
        "country": profile.country,
        "created": profile.created_at.isoformat(),
        "flags": {flag: getattr(profile, flag) for flag in FLAGS.values()},
        "addresses": _addresses(profile),
        "shared_with": [
            {
                "profile": other.profile_id,
                "channel": other.channel,
                "address": other.value,
            }
            for other in addresses.sharing(profile)
        ],
        "own_fields": _own_fields(profile),
        "tags": [tag.name for tag in tags.tags_of([profile.pk])[profile.pk]],
        "subscriptions": [
            subscription_facts(held)
            for held in profile.subscriptions.select_related("service")
        ],
        "wishes": [wish_facts(wish) for wish in wishes.wishes_of(profile.pk)],
        "signup_requests": _signups(profile),
        "history": [event_facts(event) for event in events_of(profile.pk)],
    }


def _own_fields(profile: Profile) -> list[dict[str, Any]]:
    """What the person has in own fields."""
    have = fields.values_of([profile.pk]).get(profile.pk, {})
    return [
        {"field": field.slug, "label": field.label, "value": _plain(have[field.slug])}
        for field in fields.all_fields()
        if field.slug in have
    ]


def _plain(value: fields.Value) -> Any:
    return value if isinstance(value, bool | str) else fields.as_text(value)


def identity(profile: Profile) -> dict[str, Any]:
    """Who it is, in our systems and by name."""
    return {
        "id": profile.pk,
        "external_id": profile.external_id,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
    }


def event_facts(event: ConsentEvent) -> dict[str, Any]:
    """One event of the consent history, with its evidence but without the device."""
    evidence = getattr(event, "evidence", None)
    service = getattr(event, "service", None)
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "channel": event.channel or None,
        "service": service.slug if service else event.service_id,
        "source": event.source,
        "wording_version": event.wording_version or None,
        "delivery": event.delivery_id,
        "actor": evidence.actor if evidence else "",
        "note": evidence.note if evidence else "",
    }


def _addresses(profile: Profile) -> list[dict[str, Any]]:
    return [
        {
            "channel": address.channel,
            "address": address.value,
            "key": address.key,
            "primary": address.is_primary,
            "valid": address.is_valid,
            "quarantine_status": address.quarantine_status,
            "suppressed": address.is_suppressed,
        }
        for address in profile.addresses.order_by("channel", "-is_primary", "id")
    ]


def subscription_facts(held: Subscription, **named: str) -> dict[str, Any]:
    """One subscription as it is now; `named` is what its service is called besides."""
    return {
        "service": held.service.slug,
        **named,
        "status": held.status_at(timezone.now()),
        "since": held.changed_at.isoformat(),
        "expires": held.expires_at.isoformat() if held.expires_at else None,
    }


def wish_facts(wish: ContactWish) -> dict[str, Any]:
    """One wish: what the person asked for, when, and until when it held."""
    return {
        "channel": wish.channel,
        "per_month": wish.per_month,
        "paused_until": wish.paused_until.isoformat() if wish.paused_until else None,
        "since": wish.since.isoformat(),
        "source": wish.source,
        "actor": wish.actor,
        "ended": wish.ended_at.isoformat() if wish.ended_at else None,
        "ended_by": wish.ended_source or None,
        "ended_note": wish.ended_note,
    }


def _signups(profile: Profile) -> list[dict[str, Any]]:
    return [
        {
            "page": request.version.name,
            "address": request.email,
            "asked": request.created_at.isoformat(),
            "expires": request.expires_at.isoformat(),
        }
        for request in requesting.signups_of(profile)
    ]
