"""POST, redirect, GET: what an act did, told by the page that the browser goes to next.

Back and reload ask nobody to send a form again then. The address holds the outcome,
sealed: it can be read by us alone, on its own page, for a day. It is told as long as
nothing has happened to the person since; afterwards the page says what is true now.

A mail client's one click (RFC 8058, 3.1) is answered directly, and so is a form that
comes back with errors.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict

from audiences import wishes
from audiences.links import BadLink, sealing
from audiences.models import Service
from audiences.signups.allowing import Answer
from audiences.visits.opting_out import UNDO_LIFE
from audiences.visits.standing import Boxes, Done, standing_of
from audiences.visits.submissions import last_event
from audiences.visits.visit import Visit

from . import visitors

NAME = "done"
# What every form of ours sends, by its act; a mail client sends none of it.
OWN = ("act", "stop", "undo", "instead_of", "reason_for")
# Of visitors without a link: what they typed is in it.
TYPED_LIFE = timedelta(hours=1)
# Servers and proxies refuse much longer addresses; such an act is answered directly.
LONGEST_ADDRESS = 4_000

Facts = dict[str, Any]


def is_own_form(data: QueryDict | None) -> bool:
    """Whether a form of our pages was sent, in a browser that follows a redirect."""
    if not data or "List-Unsubscribe" in data:
        return False
    return any(name in data for name in OWN)


def leads_on(
    request: HttpRequest,
    data: QueryDict | None,
    language: str,
    facts: Facts,
    profile_id: int | None = None,
) -> HttpResponse | None:
    """The redirect (303) to the page that tells the outcome.

    None where `data` is no form of ours, or the address would be too long: then the
    POST itself is answered. In the transaction of the act, so that nothing of another
    one counts as seen.
    """
    if not is_own_form(data):
        return None
    at = {"at": request.path, "seen": _seen(profile_id)}
    query = urlencode({"lang": language, NAME: sealing.seal(facts | at)})
    address = f"{request.path}?{query}"
    if len(address) > LONGEST_ADDRESS:
        return None
    return HttpResponse(status=303, headers={"Location": address})


def read(
    request: HttpRequest, profile_id: int | None = None, within: timedelta = UNDO_LIFE
) -> Facts | None:
    """The outcome that a page is to tell, if that is still true; else None.

    It is told to the browser that was led to it, which has come from a page of ours,
    also when it reloads and goes back; not to whoever was given the address.
    """
    text = request.GET.get(NAME, "")
    if not (text and visitors.is_led_here(request)):
        return None
    try:
        facts = sealing.unseal(text, within=within)
    except BadLink:
        return None
    is_here = facts.pop("at") == request.path
    is_now = facts.pop("seen") == _seen(profile_id)
    return facts if is_here and is_now else None


def _seen(profile_id: int | None) -> list[int]:
    """The last event of a person, then the wishes that hold."""
    if profile_id is None:
        return []
    held = (row.pk for row in wishes.of_person(profile_id))
    return [last_event(profile_id), *held]


# ---------------------------------------------------------------- of an act on a visit
def of_done(did: str, done: Done) -> Facts:
    """An opt-out or a choice, as facts."""
    return {
        "did": did,
        "events": done.event_ids,
        "stopped_address": done.stopped_address,
        "left_out": done.left_out,
        "closed": [service.pk for service in done.closed],
        "unsent": [service.pk for service in done.unsent],
        "asked": _written(done.asked),
        "wishes": done.wishes,
        "wishes_ended": done.wishes_ended,
        "kept": [sorted(done.kept.channels), sorted(done.kept.services)],
        "added": [[c, typed, a.value] for c, typed, a in done.added],
        "removed": done.removed,
    }


def done_of(facts: Mapping[str, Any], visit: Visit) -> Done:
    """The same again, with where the visitor stands now."""
    services = Service.objects.in_bulk([*facts["closed"], *facts["unsent"]])
    channels, kept = facts["kept"]
    return Done(
        visit,
        standing_of(visit),
        event_ids=tuple(facts["events"]),
        stopped_address=facts["stopped_address"],
        left_out=facts["left_out"],
        closed=tuple(services[pk] for pk in facts["closed"] if pk in services),
        unsent=tuple(services[pk] for pk in facts["unsent"] if pk in services),
        asked=answers(facts["asked"]),
        wishes=tuple(facts["wishes"]),
        wishes_ended=tuple(facts["wishes_ended"]),
        kept=Boxes(frozenset(channels), frozenset(kept)),
        added=tuple((c, typed, Answer(a)) for c, typed, a in facts["added"]),
        removed=tuple((channel, address) for channel, address in facts["removed"]),
    )


def _written(asked: tuple[tuple[str, Answer], ...]) -> list[list[str]]:
    return [[channel, answer.value] for channel, answer in asked]


def of_asked(asked: tuple[tuple[str, Answer], ...]) -> Facts:
    """What a confirmed sign-up asks at other addresses, as facts."""
    return {"asked": _written(asked)}


def answers(written: list[list[str]]) -> tuple[tuple[str, Answer], ...]:
    """What came of asking, read again."""
    return tuple((channel, Answer(answer)) for channel, answer in written)
