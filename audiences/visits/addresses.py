"""Addresses that an opt-out also stops for other profiles that hold them (P4)."""

from django.db.models import QuerySet
from django.dispatch import Signal

from audiences.channels import ANY
from audiences.consent import Source
from audiences.models import Address, AddressStatus, ConsentEvent, LandingPage
from audiences.signals import address_stop_requested, address_stop_withdrawn
from audiences.visits.visit import Visit


def stop_addresses(visit: Visit, events: dict[str, int]) -> bool:
    """Stop the addresses of each scope, by the event that opted out (0: none did).

    Returns whether the page does that, and there was something to stop.
    """
    if not visit.content["stops_address"]:
        return False
    for scope, event_id in events.items():
        _send(address_stop_requested, visit, scope, visit.wording, event_id)
    return bool(events)


def withdraw_stop(visit: Visit, event: ConsentEvent) -> None:
    """Take back what the act of this event stopped, whatever page is there now."""
    _send(address_stop_withdrawn, visit, event.channel, event.wording_version, event.pk)


def _send(
    signal: Signal, visit: Visit, scope: str, wording: str, event_id: int
) -> None:
    """For each of the person's addresses on the channels of a scope (P3), in order."""
    slug = wording.rpartition("/")[0]
    text = f"landing page {slug}, profile {visit.link.profile_id}, event {event_id}"
    rows = _rows_of_addresses(visit, scope).values_list("channel", "key")
    for channel, key in sorted(rows):
        signal.send(
            sender=LandingPage,
            channel=channel,
            key=key,
            source=str(Source.LANDING_PAGE),
            text=text,
        )


def has_address_to_stop(visit: Visit) -> bool:
    """Whether the page would put an address on the denylist that is not there yet.

    Somebody may have opted out elsewhere before: other profiles with the same address
    still get messages then (P4).
    """
    if not visit.content["stops_address"]:
        return False
    rows = _rows_of_addresses(visit, visit.scope)
    return rows.exclude(quarantine_status=AddressStatus.DENYLISTED).exists()


def _rows_of_addresses(visit: Visit, scope: str) -> QuerySet[Address]:
    rows = Address.objects.filter(profile=visit.profile, is_valid=True)
    return rows if scope == ANY else rows.filter(channel=scope)
