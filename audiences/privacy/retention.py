"""How long data is kept: rules by kind, shown before they run, run each day.

A rule erases people without anybody looking at them, so it is in force only once a
second person has confirmed it. It never touches whose data is restricted, nor who has
asked something that still waits.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.consent import Origin, Source
from audiences.models import RetentionRule
from audiences.refusals import Refused

from .retained import SORTS, Sort

LONGEST = 1_200


class NotPossible(Refused):
    """The rule cannot be set or confirmed so; the message says why."""


def sorts() -> list[Sort]:
    return list(SORTS.values())


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
    sort = SORTS.get(code)
    if sort is None:
        known = ", ".join(SORTS)
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
        if rule.months is None or rule.code not in SORTS:
            continue
        removed = _run(SORTS[rule.code], rule, _before(rule.months, now))
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
            ids = list(rows.values_list("pk", flat=True)[: sort.batch])
            if not ids:
                return removed
            removed += sort.remove(ids, origin, before)
            last = ids[-1]


def _before(months: int, now: datetime | None) -> datetime:
    """The moment so many months ago, or at the end of a shorter month."""
    at = timezone.localtime(now)
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)
