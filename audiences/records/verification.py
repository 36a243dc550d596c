"""Proof that the present state is what the history says, set-based.

The events of a profile, folded in the order of their ids, must give its flags and its
subscriptions. Differences come from the database, one range of profiles after another:
no profile passes through Python unless it differs, and neither the work for a range nor
its memory grows with the number of profiles.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import (
    Case,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)

from audiences.channels import FLAGS
from audiences.conditions import Span
from audiences.consent import Kind, guards
from audiences.models import Address, ConsentEvent, Profile, Subscription
from audiences.sql import statements
from audiences.subscriptions.writing import STATUS_AFTER

from .evidence import evidence_differences
from .suppressions import suppression_differences

# A range ends after so many profiles, or so many events where there are more of these.
PROFILES, EVENTS = 20_000, 200_000

# A handful of people may be entered before their addresses are.
FEW = 10


@dataclass
class Verification:
    """What `verify_consent` found; consistent when nothing but erased ids is listed."""

    differences: list[str] = field(default_factory=list)
    missing_guards: list[str] = field(default_factory=list)
    erased_profiles: list[int] = field(default_factory=list)

    @property
    def is_consistent(self) -> bool:
        return not self.differences and not self.missing_guards


def verify_consent(
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verification:
    """Fold the history, compare it with flags and subscriptions, check the guards.

    Each comparison is one statement, so a writer who commits meanwhile is seen whole or
    not at all. `on_progress` takes how far the ids are, and the last one.
    """
    found = Verification(missing_guards=guards.missing())
    after, last = 0, _last_id()
    while after < last:
        with statements.look_ups():
            span = Span(after + 1, _end(after, last))
            found.differences += _flag_differences(span)
            found.differences += _subscription_differences(span)
            found.differences += evidence_differences(span)
            found.erased_profiles += _erased(span)
            found.differences += _vanished(span)
            found.differences += _came_back(span)
        after = span.high
        on_progress(after, last)
    found.differences += suppression_differences()
    return found


def lost_addresses() -> Iterator[str]:
    """So many people, and no way to reach a single one: a restore has lost a table.

    The history and the flags may agree all the same.
    """
    people = Profile.objects.order_by()[:FEW].count()
    if people == FEW and not Address.objects.exists():
        yield (
            "there are people and not one address: see whether the restore was complete"
        )


def _last_id() -> int:
    """The last id of a profile, or of one that is known to the history alone."""
    ends = (
        Profile.objects.aggregate(last=Max("pk")),
        ConsentEvent.objects.aggregate(last=Max("profile_id")),
    )
    return max(end["last"] or 0 for end in ends)


def _end(after: int, last: int) -> int:
    """Where the range ends that begins after an id: its rows are bounded."""
    people = Profile.objects.filter(pk__gt=after).order_by("pk")
    end = _at(people.values_list("pk", flat=True), PROFILES, last)
    events = ConsentEvent.objects.filter(profile_id__gt=after, profile_id__lte=end)
    ids = events.order_by("profile_id").values_list("profile_id", flat=True)
    return _at(ids, EVENTS, end)


def _at(ids: QuerySet[Any, int], number: int, otherwise: int) -> int:
    """The id at a place of the list, where it is as long as that."""
    return next(iter(ids[number - 1 : number]), otherwise)


def _flag_differences(span: Span) -> Iterator[str]:
    """Flags that the history does not end with, then the reverse; two statements."""
    set_, *others = (
        Profile.objects.order_by()
        .filter(span.q("pk"), **{flag: True})
        .values_list("pk", Value(str(scope), TextField()))
        for scope, flag in FLAGS.items()
    )
    flagged = set_.union(*others, all=True)
    in_history = (
        _last_events(span, "channel", ConsentEvent.FLAG_KINDS, out=[Kind.OPT_OUT])
        .filter(last=F("out"))
        .values_list("profile_id", "channel")
    )
    for profile_id, scope in flagged.difference(in_history):
        yield (
            f"profile {profile_id}: {FLAGS[scope]} is set, "
            "but the history does not end with an opt-out"
        )
    for profile_id, scope in _not_erased(in_history.difference(flagged)):
        yield (
            f"profile {profile_id}: {FLAGS[scope]} is clear, "
            "but the history ends with an opt-out"
        )


def _subscription_differences(span: Span) -> Iterator[str]:
    """Statuses that the history does not lead to, then the reverse; two statements."""
    held = (
        Subscription.objects.order_by()
        .filter(span.q("profile_id"))
        .values_list("profile_id", "service_id", "status")
    )
    kinds = {
        str(status): [kind for kind, after in STATUS_AFTER.items() if after == status]
        for status in Subscription.Status
    }
    status_after = Case(
        *(When(last=F(status), then=Value(status)) for status in kinds),
        output_field=TextField(),
    )
    in_history = _last_events(
        span, "service_id", tuple(STATUS_AFTER), **kinds
    ).values_list("profile_id", "service_id", status_after)
    for profile_id, service_id, status in held.difference(in_history):
        yield (
            f"profile {profile_id}, service {service_id}: the subscription is "
            f"{status}, but the history does not say so"
        )
    for profile_id, service_id, status in _not_erased(in_history.difference(held)):
        yield (
            f"profile {profile_id}, service {service_id}: the history ends in "
            f"{status}, but the subscription does not"
        )


def _last_events(
    span: Span, about: str, kinds: tuple[str, ...], **named: list[str]
) -> QuerySet[Any, Any]:
    """Of each profile and what it is about: the id of the last event of these kinds.

    Beside it, under each name, that of the last event of the kinds named so: where both
    are the same, the history ends with one of these.
    """
    last_of = {
        name: Max("id", filter=Q(kind__in=of_name)) for name, of_name in named.items()
    }
    found: QuerySet[Any, Any] = (
        ConsentEvent.objects.order_by()
        .filter(span.q("profile_id"), kind__in=kinds)
        .values("profile_id", about)
        .annotate(last=Max("id"), **last_of)
    )
    return found


def _not_erased(differences: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """Without those of erased profiles, which have no state to compare with."""
    rows = list(differences)
    people = Profile.objects.filter(pk__in={row[0] for row in rows})
    known = set(people.values_list("pk", flat=True))
    return [row for row in rows if row[0] in known]


def _erased(span: Span) -> list[int]:
    """Profiles of which the history says that they were erased."""
    rows = ConsentEvent.objects.filter(span.q("profile_id"), kind=Kind.ERASE)
    ids = rows.order_by("profile_id").values_list("profile_id", flat=True)
    return list(ids.distinct())


def _vanished(span: Span) -> Iterator[str]:
    """Profiles that have a history and are gone, though nobody erased them."""
    known = Exists(Profile.objects.filter(span.q("pk"), pk=OuterRef("profile_id")))
    erased = ConsentEvent.objects.filter(
        span.q("profile_id"), profile_id=OuterRef("profile_id"), kind=Kind.ERASE
    )
    rows = ConsentEvent.objects.filter(span.q("profile_id"), ~known, ~Exists(erased))
    ids = rows.order_by("profile_id").values_list("profile_id", flat=True)
    for profile_id in ids.distinct():
        yield f"profile {profile_id}: it is gone, but the history knows of no erasure"


def _came_back(span: Span) -> Iterator[str]:
    """Profiles that are there after their erasure."""
    erased = ConsentEvent.objects.filter(
        span.q("profile_id"), profile_id=OuterRef("pk"), kind=Kind.ERASE
    )
    rows = Profile.objects.filter(span.q("pk"), Exists(erased)).order_by("pk")
    for profile_id in rows.values_list("pk", flat=True):
        yield f"profile {profile_id}: the history says it was erased, but it is there"
