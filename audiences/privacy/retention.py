"""How long data is kept: rules by kind, shown before they run, run each day.

A rule erases people without anybody looking at them, so it is in force only once a
second person has confirmed it. It never touches whose data is restricted, nor who has
asked something that still waits.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy

from audiences.consent import Kind, Origin, Source
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    PrivacyRequest,
    Profile,
    RetentionRule,
)
from audiences.refusals import Refused
from audiences.registry import Registry
from audiences.suppression import ErasedFor
from audiences.suppression.restriction import in_force

from .erasure import erase_all

BATCH = 50
LONGEST = 1_200

# Profiles that did something, or to whom something happened, since a moment.
Activity = Callable[[datetime], Q]
_activities: Registry[str, Activity] = Registry("activity of people")


class NotPossible(Refused):
    """The rule cannot be set or confirmed so; the message says why."""


@dataclass(frozen=True)
class Sort:
    """A kind of data that is kept for so long: its words, and whom it is about.

    `due` gives the rows that are older than a moment; `remove` ends some of them and
    returns how many.
    """

    code: str
    label: Any
    explanation: Any
    due: Callable[[datetime], QuerySet[Any]]
    remove: Callable[[list[int], Origin], int]
    words: Callable[[int], str]


_sorts: Registry[str, Sort] = Registry("kind of retention")


def activity(name: str) -> Callable[[Activity], Activity]:
    """Let an app say what counts as a sign of life; inactive people have none."""
    return lambda found: _activities.add(name, found)


def sorts() -> list[Sort]:
    return list(_sorts.values())


# ------------------------------------------------------------------ the rules
@dataclass(frozen=True)
class Standing:
    """A rule as it is: what it would do today, and whether it is in force."""

    sort: Sort
    rule: RetentionRule
    due: int

    @property
    def is_in_force(self) -> bool:
        return bool(self.rule.months and self.rule.confirmed_by)

    @property
    def words(self) -> str:
        """Such as “would erase 214 people”."""
        return self.sort.words(self.due)


def standings(now: datetime | None = None) -> list[Standing]:
    """Each kind with its rule, and what it would do now."""
    rules = {rule.code: rule for rule in RetentionRule.objects.all()}
    found = []
    for sort in sorts():
        rule = rules.get(sort.code) or RetentionRule(code=sort.code)
        due = count(sort, rule.months, now) if rule.months else 0
        found.append(Standing(sort, rule, due))
    return found


def count(sort: Sort, months: int, now: datetime | None = None) -> int:
    """How many a rule with so many months would remove now."""
    return sort.due(_before(months, now)).order_by().count()


def find(code: str) -> Sort:
    sort = _sorts.get(code)
    if sort is None:
        known = ", ".join(_sorts)
        raise NotPossible(f"There is no kind {code!r}. There are: {known}.")
    return sort


def set_rule(code: str, months: int | None, *, actor: str) -> RetentionRule:
    """Keep a kind for so many months, or for ever (None); raises NotPossible.

    The rule is in force once another person confirms it; to keep for ever needs nobody.
    """
    find(code)
    if months is not None and not 1 <= months <= LONGEST:
        raise NotPossible(
            _("The months are a number from 1 to {most}.").format(most=LONGEST)
        )
    rule, _is_new = RetentionRule.objects.update_or_create(
        code=code,
        defaults={
            "months": months,
            "set_by": actor,
            "set_at": timezone.now(),
            "confirmed_by": "",
            "confirmed_at": None,
        },
    )
    return rule


def confirm(code: str, months: int, *, actor: str) -> RetentionRule:
    """Put a rule in force that somebody else has set to these months.

    Raises NotPossible, also when it was set to another number meanwhile.
    """
    with transaction.atomic():
        rules = RetentionRule.objects.select_for_update(of=("self",))
        rule = rules.filter(code=code, months=months).first()
        if rule is None:
            raise NotPossible(_("The rule was changed meanwhile: look at it again."))
        if not actor or actor == rule.set_by:
            raise NotPossible(
                _("You set the rule yourself: another person must confirm it.")
            )
        rule.confirmed_by, rule.confirmed_at = actor, timezone.now()
        rule.save()
    return rule


# ------------------------------------------------------------------ running
def run(now: datetime | None = None) -> dict[str, int]:
    """Do what the rules in force say; returns how many each has removed.

    Each batch is a transaction of its own. What a run of before left is taken up by the
    next one.
    """
    done = {}
    for rule in RetentionRule.objects.exclude(confirmed_by="").order_by("pk"):
        if rule.months is None or rule.code not in _sorts:
            continue
        removed = _run(_sorts[rule.code], rule, _before(rule.months, now))
        RetentionRule.objects.filter(pk=rule.pk).update(
            ran_at=timezone.now(), removed=removed
        )
        done[rule.code] = removed
    return done


def _run(sort: Sort, rule: RetentionRule, before: datetime) -> int:
    note = f"Retention: {sort.code} after {rule.months} months"
    actor = f"{rule.set_by}, {rule.confirmed_by}"
    origin = Origin(source=Source.SYSTEM, actor=actor, note=note)
    removed, last = 0, 0
    while True:
        with transaction.atomic():
            still = RetentionRule.objects.filter(pk=rule.pk, months=rule.months)
            if not still.exclude(confirmed_by="").exists():
                return removed  # somebody has changed the rule
            rows = sort.due(before).filter(pk__gt=last).order_by("pk")
            ids = list(rows.values_list("pk", flat=True)[:BATCH])
            if not ids:
                return removed
            removed += sort.remove(ids, origin)
            last = ids[-1]


def _before(months: int, now: datetime | None) -> datetime:
    """The moment so many months ago, or at the end of a shorter month."""
    at = timezone.localtime(now)
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)


# ------------------------------------------------------------------ the kinds
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


def _answered(before: datetime) -> QuerySet[PrivacyRequest]:
    """Requests that ended before, as far as they still say something."""
    ended = PrivacyRequest.objects.filter(
        state__in=[PrivacyRequest.State.DONE, PrivacyRequest.State.REFUSED],
        decided_at__lt=before,
    )
    return ended.exclude(text="", note="")


def _erase(ids: list[int], origin: Origin) -> int:
    people = Profile.objects.filter(pk__in=ids)
    return erase_all(people, reason=ErasedFor.RETENTION, origin=origin)


def _empty(ids: list[int], origin: Origin) -> int:
    rows = PrivacyRequest.objects.filter(pk__in=ids)
    return rows.update(text="", note="", sent_to="")


def _people(number: int) -> str:
    return _("would erase {count} people").format(count=f"{number:,}")


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
        "erased",
        gettext_lazy("Notes about erasures"),
        gettext_lazy(
            "Who erased somebody, and why. That a number was erased stays, as the "
            "history of consent does: both name nobody."
        ),
        _erased,
        lambda ids, origin: ConsentEvidence.objects.filter(pk__in=ids).delete()[0],
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
    _sorts.add(_sort.code, _sort)
