"""Addresses that somebody adds on their preference page, confirmed there."""

from audiences.models import LandingPage
from audiences.signups import new_addresses
from audiences.signups.allowing import Answer
from audiences.suppression.restriction import is_restricted
from audiences.visits.standing import Standing
from audiences.visits.visit import Visit


def may_add(visit: Visit, standing: Standing) -> list[str]:
    """The channels for which the page asks for an address: the person has none there.

    Somebody who has no address at all did not get this link at one.
    """
    if not (visit.proved and visit.kind == LandingPage.Kind.PREFERENCES):
        return []
    offered = [c for c in visit.channels if c in new_addresses.ADDED]
    return [c for c in offered if standing.reached and c not in standing.reached]


def add(
    visit: Visit, channel: str, given: str, *, language: str, network: str
) -> Answer:
    """Ask at the address whether it is the person's; the caller locked the profile.

    The page has nothing to undo: nothing has changed yet. Raises InvalidAddress.
    """
    if is_restricted(visit.profile.pk):
        return Answer.NO_MESSAGES
    return new_addresses.ask(
        visit.profile, channel, given, language=language, network=network
    )
