"""Addresses that an opt-out also stops for other profiles that hold them (P4)."""

from django.db.models import QuerySet

from audiences.channels import ANY
from audiences.consent import Source
from audiences.models import Address, AddressStatus, ConsentEvent, LandingPage
from audiences.signals import address_stop_requested, address_stop_withdrawn
from audiences.visits.visit import Visit


def stop_addresses(visit: Visit, events: dict[str, int]) -> None:
    """Stop the addresses of each scope, by the event that opted out (0: none did)."""
    for scope, event_id in events.items():
        for channel, key in _addresses(visit, scope):
            address_stop_requested.send(
                sender=LandingPage,
                channel=channel,
                key=key,
                source=str(Source.LANDING_PAGE),
                text=_stop_text(visit.wording, visit.link.profile_id, event_id),
            )


def withdraw_stop(visit: Visit, event: ConsentEvent) -> None:
    """Take back what the act of this event stopped, whatever page is there now."""
    for channel, key in _addresses(visit, event.channel):
        address_stop_withdrawn.send(
            sender=LandingPage,
            channel=channel,
            key=key,
            source=str(Source.LANDING_PAGE),
            text=_stop_text(event.wording_version, visit.link.profile_id, event.pk),
        )


def _stop_text(wording: str, profile_id: int, event_id: int) -> str:
    slug = wording.rpartition("/")[0]
    return f"landing page {slug}, profile {profile_id}, event {event_id}"


def has_address_to_stop(visit: Visit) -> bool:
    """Whether the page would put an address on the denylist that is not there yet.

    Somebody may have opted out elsewhere before: other profiles with the same address
    still get messages then (P4).
    """
    if not visit.content["stops_address"]:
        return False
    rows = _rows_of_addresses(visit, visit.scope)
    return rows.exclude(quarantine_status=AddressStatus.DENYLISTED).exists()


def _addresses(visit: Visit, scope: str) -> list[tuple[str, str]]:
    """The person's addresses on the channels of a scope (P3), in one order."""
    return sorted(_rows_of_addresses(visit, scope).values_list("channel", "key"))


def _rows_of_addresses(visit: Visit, scope: str) -> QuerySet[Address]:
    rows = Address.objects.filter(profile=visit.profile, is_valid=True)
    return rows if scope == ANY else rows.filter(channel=scope)
