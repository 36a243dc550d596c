"""A number that somebody adds on their preference page, confirmed there.

Nothing comes before that: the channel is stopped first, and the message that asks is
the one for a channel that is allowed again (`signups.allowing`).
"""

from audiences import addresses, consent
from audiences.channels import Channel
from audiences.consent import Origin
from audiences.models import LandingPage
from audiences.signups import allowing
from audiences.signups.allowing import Answer
from audiences.suppression.restriction import Restricted
from audiences.visits.standing import Standing
from audiences.visits.visit import Visit


def may_add_number(visit: Visit, standing: Standing) -> bool:
    """Whether the page offers text messages to somebody who has no number."""
    return bool(
        visit.proved
        and visit.kind == LandingPage.Kind.PREFERENCES
        and standing.reached
        and Channel.SMS in visit.channels
        and Channel.SMS not in standing.reached
    )


def add_number(
    visit: Visit, number: str, origin: Origin, language: str
) -> tuple[str, Answer] | None:
    """Give the person the number, and ask there; None where nothing may change.

    An undo of the page does not take it back: it would allow the channel unasked. The
    caller has locked the profile; raises InvalidAddress.
    """
    profile, channel = visit.profile, Channel.SMS
    try:
        consent.change_flag(
            profile, channel, opted_out=True, origin=visit.proof(origin)
        )
        addresses.attach(profile, channel, number, primary=True)
    except Restricted:
        return None
    return channel, allowing.ask(profile, channel, language=language)
