"""What is kept for so long, a kind each: which rows are due, and what ends them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _, gettext_lazy

from audiences.consent import Kind, Origin
from audiences.ledger import removals
from audiences.models import ConsentEvent, ConsentEvidence, PrivacyRequest, Profile
from audiences.registry import Registry
from audiences.suppression import ErasedFor
from audiences.suppression.restriction import in_force

from .erasure import erase_all

# Profiles that did something, or to whom something happened, since a moment.
Activity = Callable[[datetime], Q]
_activities: Registry[str, Activity] = Registry("activity of people")


@dataclass(frozen=True)
class Sort:
    """A kind of data that is kept for so long: its words, and whom it is about.

    `due` gives the rows that are older than a moment; `remove` ends some of them, given
    that moment too, and returns how many. `batch` of them share a transaction.
    """

    code: str
    label: Any
    explanation: Any
    due: Callable[[datetime], QuerySet[Any]]
    remove: Callable[[list[int], Origin, datetime], int]
    words: Callable[[int], str]
    batch: int = 50


SORTS: Registry[str, Sort] = Registry("kind of retention")


def activity(name: str) -> Callable[[Activity], Activity]:
    """Let an app say what counts as a sign of life; inactive people have none."""
    return lambda found: _activities.add(name, found)


def _is_left_alone() -> Q:
    """People whose data is restricted, and those who wait for an answer."""
    waiting = PrivacyRequest.objects.exclude(
        state__in=[PrivacyRequest.State.DONE, PrivacyRequest.State.REFUSED]
    )
    return Q(pk__in=in_force().values("profile_id")) | Q(
        pk__in=waiting.values("profile_id")
    )


def _inactive(before: datetime) -> QuerySet[Profile]:
    """People who were added before, and of whom there was no sign of life since."""
    people = Profile.objects.filter(created_at__lt=before).exclude(_is_left_alone())
    for signs in _activities.values():
        people = people.exclude(signs(before))
    return people


def _erased(before: datetime) -> QuerySet[ConsentEvidence]:
    """Who erased people before, and why: all that is still said about them."""
    return ConsentEvidence.objects.filter(event__kind=Kind.ERASE, event__at__lt=before)


def _old_evidence(before: datetime) -> QuerySet[ConsentEvidence]:
    """Evidence of what is not the person's last word any more, recorded before.

    What somebody wants now must be provable as long as it holds (GDPR 7(1)).
    """
    later = ConsentEvent.objects.filter(
        profile_id=OuterRef("event__profile_id"),
        channel=OuterRef("event__channel"),
        pk__gt=OuterRef("event_id"),
    ).filter(
        Q(service_id=OuterRef("event__service_id"))
        | Q(service_id__isnull=True, kind__in=(Kind.OPT_IN, Kind.OPT_OUT))
    )
    rows = ConsentEvidence.objects.exclude(event__kind=Kind.ERASE).filter(
        Exists(later), Exists(Profile.objects.filter(pk=OuterRef("event__profile_id")))
    )
    left_alone = Profile.objects.filter(_is_left_alone()).values("pk")
    return (
        rows.alias(recorded=Coalesce("event__recorded_at", "event__at"))
        .filter(recorded__lt=before)
        .exclude(event__profile_id__in=left_alone)
    )


def _remove_evidence(ids: list[int], origin: Origin, before: datetime) -> int:
    return removals.remove_evidence(ids, before)


def _answered(before: datetime) -> QuerySet[PrivacyRequest]:
    """Requests that ended before, as far as they still say something."""
    ended = PrivacyRequest.objects.filter(
        state__in=[PrivacyRequest.State.DONE, PrivacyRequest.State.REFUSED],
        decided_at__lt=before,
    )
    return ended.exclude(text="", note="")


def _erase(ids: list[int], origin: Origin, before: datetime) -> int:
    people = Profile.objects.filter(pk__in=ids)
    return erase_all(people, reason=ErasedFor.RETENTION, origin=origin)


def _empty(ids: list[int], origin: Origin, before: datetime) -> int:
    rows = PrivacyRequest.objects.filter(pk__in=ids)
    return rows.update(text="", note="", sent_to="")


def _people(number: int) -> str:
    return _("would erase {count} people").format(count=f"{number:,}")


def _acts(number: int) -> str:
    return _("would remove the evidence of {count} acts").format(count=f"{number:,}")


@activity("consent")
def _consented(since: datetime) -> Q:
    """Whoever did something themselves, or for whom an operator recorded it."""
    acts = ConsentEvent.objects.filter(profile=OuterRef("pk"), at__gte=since)
    return Q(Exists(acts.exclude(kind=Kind.EXPIRE)))


def _register() -> Iterator[Sort]:
    yield Sort(
        "inactive",
        gettext_lazy("Inactive people"),
        gettext_lazy(
            "People without a sign of life for so long: no consent was given or taken "
            "back, no message handed over. Their opt-outs stay, as keyed hashes."
        ),
        _inactive,
        _erase,
        _people,
    )
    yield Sort(
        "evidence",
        gettext_lazy("Evidence of earlier acts"),
        gettext_lazy(
            "Notes, IP addresses and browsers of opt-ins and opt-outs that were "
            "followed by others, so long after they were recorded. What somebody wants "
            "now keeps its evidence. That it was removed is sealed in the ledger."
        ),
        _old_evidence,
        _remove_evidence,
        _acts,
        batch=5_000,
    )
    yield Sort(
        "erased",
        gettext_lazy("Notes about erasures"),
        gettext_lazy(
            "Who erased somebody, and why. That a number was erased stays, as the "
            "history of consent does: both name nobody."
        ),
        _erased,
        lambda ids, origin, before: ConsentEvidence.objects.filter(pk__in=ids).delete()[
            0
        ],
        lambda number: _("would remove {count} notes").format(count=f"{number:,}"),
    )
    yield Sort(
        "requests",
        gettext_lazy("Texts of privacy requests"),
        gettext_lazy(
            "What people wrote and what was noted, so long after a request was "
            "answered. That there was a request stays."
        ),
        _answered,
        _empty,
        lambda number: _("would empty {count} requests").format(count=f"{number:,}"),
    )


for _sort in _register():
    SORTS.add(_sort.code, _sort)
