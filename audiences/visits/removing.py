"""Taking away an address that is wrong: with a slip in it, or somebody else's.

It restricts, and nothing else: the channel is opted out with it, so that no other
address takes its place, and no file that brings it back starts messages. The right one
is added and confirmed afterwards (`adding`), which allows the channel again.
"""

from typing import NamedTuple

from django.db.models import QuerySet

from audiences import addresses, consent
from audiences.channels import Channel
from audiences.consent import Origin
from audiences.links import signing
from audiences.masking import masked
from audiences.models import Address, LandingPage
from audiences.signups import new_addresses
from audiences.suppression.restriction import Restricted
from audiences.visits.standing import Standing
from audiences.visits.visit import Visit


class Offered(NamedTuple):
    """An address as a page shows it, and what an older form knows it by."""

    shown: str
    mark: str


def removable(visit: Visit, standing: Standing) -> dict[str, Offered]:
    """The addresses that the page offers to take away, by channel.

    Those that could be added here; never on the channel that the link came by: who
    reads there has not got it wrong.
    """
    if not (visit.proved and visit.kind == LandingPage.Kind.PREFERENCES):
        return {}
    may_be_added = {*new_addresses.ADDED} & {*visit.channels} & standing.reached
    offered = may_be_added - {visit.proved}
    if not offered:
        return {}
    rows = _rows(visit).filter(channel__in=offered).order_by("channel")
    return {
        row.channel: Offered(
            masked(row.channel, row.value),
            f"{row.channel}={signing.mark(row.channel, row.key)}",
        )
        for row in rows
    }


def remove(visit: Visit, channel: str, origin: Origin) -> bool:
    """Take the primary address of a channel away, and opt out of that channel.

    Its quarantine is another matter: whoever has it may be another person (Q1).
    Restricted data stays as it is, and so does the address; the opt-out counts. No undo
    is made of it. Returns whether there was one. The caller has locked the profile.
    """
    held = _rows(visit).filter(channel=channel).first()
    if held is None or channel == visit.proved:
        return False
    what = f"Address removed: {masked(Channel(channel), held.value)}"
    proof = visit.proof(origin).noting(what)
    consent.change_flag(visit.profile, channel, opted_out=True, origin=proof)
    try:
        addresses.detach(held)
    except Restricted:
        return False
    return True


def _rows(visit: Visit) -> QuerySet[Address]:
    return Address.objects.filter(
        profile=visit.profile, is_primary=True, is_valid=True
    ).select_related("profile")
