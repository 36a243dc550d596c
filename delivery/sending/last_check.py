"""The last check: the rules once more, right before messages are handed over (D7).

Between the analysis and the hand-over people opt out, addresses fail, and other
deliveries go out. Before a batch is handed over, the transaction that claims it asks
here; the results of the analysis are not believed.

Nobody who lost a shared address gets it back here, though its keeper may have left: the
next one takes the place at the next preparation. Nor can two targets have come to share
one: who has another address than at the analysis is left out.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import (
    Case,
    OuterRef,
    QuerySet,
    SmallIntegerField,
    Subquery,
    Value,
    When,
)
from django.utils.translation import gettext_noop as _

from audiences import suppression
from audiences.addresses import trial
from audiences.addresses.trial import TRIAL
from audiences.conditions import Span
from audiences.models import Address, Audience
from audiences.sql import statements
from delivery.models import Delivery, Outcome, QuarantineEntry
from delivery.rules import Judge, judge_of
from delivery.rules.rule import STATUS_RULES, SUPPRESSED

# Causes that only a check after the analysis can find.
LEFT_AUDIENCE = "left_audience"
ADDRESS_CHANGED = "address_changed"
LABELS = {
    LEFT_AUDIENCE: _("Not in the audience any more"),
    ADDRESS_CHANGED: _("Another address since the analysis"),
    TRIAL: _("The site is on trial, and the address is not on its list"),
}
# The number of the first one among those of the rules: it decides before them.
_LEFT = -1

# They stand for the ends of a batch in the statements; no id is negative.
LOW, HIGH = -(2**62), -(2**62) + 1
# Targets that lie further apart than this, on average, are looked up one by one.
SPARSE = 20
# Some of the profiles; None: all of them.
Among = QuerySet[Any, Any] | Sequence[int] | None


class LastCheck:
    """Which targets of a delivery must not get it any more; made anew for each minute.

    Every rule judges present rows, and the quarantine and the suppressed addresses by
    their lists instead of the copies beside the addresses. The definitions of the rules
    and the moment are those of when it was made: one who hands over for long makes a
    new one now and then.
    `among` restricts it to some profiles.
    """

    def __init__(self, delivery: Delivery, among: Among = None) -> None:
        targets = Outcome.objects.order_by().filter(
            Span(LOW, HIGH, among).q("profile_id"), delivery=delivery, rule=None
        )
        is_sparse = among is not None or _are_sparse(delivery)
        span = Span(LOW, HIGH, targets.values("profile_id") if is_sparse else None)
        judge = judge_of(delivery).given(span=span, asks_entries=True)
        self._numbers = {LEFT_AUDIENCE: _LEFT, **judge.numbers}
        self._channel = delivery.channel
        self._asks_list = delivery.purpose not in SUPPRESSED.skipped_by
        self._targets, self._judged, self._entries, self._keys = (
            statements.Compiled(rows, (LOW, HIGH))
            for rows in (
                targets.values_list("profile_id", "address"),
                _judged(judge),
                _with_entries(judge),
                _primaries(judge).values_list("profile_id", "key"),
            )
        )

    def excluded(self, low: int, high: int) -> dict[int, str]:
        """The causes, by profile id, of the targets between two ids to leave out now.

        Besides the codes of rules: `left_audience` for those who are not in the
        audience any more (or erased), `address_changed` when the primary address is not
        the one of the analysis, and `trial` where nothing else keeps them from it and
        the site is on trial without their address. A fixed number of statements for
        batches of some thousands.
        """
        codes = {number: code for code, number in self._numbers.items()}
        targets = dict(self._targets.rows(low, high))
        # Whom the next statement does not know was erased.
        found = dict.fromkeys(targets, _LEFT)
        changed = {}
        for pk, number, address in self._judged.rows(low, high):
            if pk not in targets:
                continue
            if number is not None:
                found[pk] = number
                continue
            del found[pk]
            if address != targets[pk]:
                changed[pk] = ADDRESS_CHANGED
        for pk, status in self._entries.rows(low, high):
            number = self._numbers[STATUS_RULES[status]]
            if pk in targets:
                found[pk] = min(number, found.get(pk, number))
        number = self._numbers[SUPPRESSED.code]
        for pk in self._suppressed(low, high) & targets.keys():
            found[pk] = min(number, found.get(pk, number))
        found_codes = {pk: codes[number] for pk, number in found.items()}
        return self._on_trial(targets) | changed | found_codes

    def _on_trial(self, targets: dict[int, str]) -> dict[int, str]:
        """Those whose address is not on the list of a site on trial."""
        if not trial.is_on():
            return {}
        return {
            pk: TRIAL
            for pk, address in targets.items()
            if not trial.allows(self._channel, address or "")
        }

    def _suppressed(self, low: int, high: int) -> set[int]:
        """Whose address is on the list, asked by its keyed hash."""
        if not self._asks_list or not suppression.active().exists():
            return set()
        keys = dict(self._keys.rows(low, high))
        met = suppression.met([(self._channel, key) for key in keys.values()])
        return {pk for pk, key in keys.items() if (self._channel, key) in met}


def _are_sparse(delivery: Delivery) -> bool:
    """Whether ranges of targets hold far more profiles than targets."""
    run = delivery.latest_analysis
    ids = Outcome.objects.filter(delivery=delivery).order_by("profile_id")
    ends = ids.values_list("profile_id", flat=True)
    low, high = ends.first(), ends.last()
    if run is None or low is None or high is None:
        return False
    return high - low > SPARSE * run.to_deliver


def _judged(judge: Judge) -> QuerySet[Any, Any]:
    """Everybody within the span: the number of what excludes them, and their address.

    Targets or not: joined to the targets, of whom the planner expects one, the rest of
    each would be looked up one by one. And all of them: to choose among them the
    database would judge each twice.
    """
    cause, members = judge.cause(), judge.members
    if members.kind != Audience.Kind.EVERYONE:
        cause = Case(
            When(~members.q(judge.situation.moment), then=Value(_LEFT)),
            default=cause,
            output_field=SmallIntegerField(null=True),
        )
    people = judge.named(judge.people())
    return people.values_list("pk", cause, "main_address__value")


def _with_entries(judge: Judge) -> QuerySet[Any, Any]:
    """The profiles whose address is in quarantine now, with its status.

    Asked apart, each address once, where each rule about a status would ask again. A
    list like the quarantine's, that is met by the address, finds its place here.
    """
    channel = judge.situation.channel
    entries = QuarantineEntry.objects.order_by().filter(
        channel=channel, key=OuterRef("key"), status__in=STATUS_RULES
    )
    found: QuerySet[Any, Any] = (
        _primaries(judge)
        .annotate(status=Subquery(entries.values("status")))
        .filter(status__isnull=False)
        .values_list("profile_id", "status")
    )
    return found


def _primaries(judge: Judge) -> QuerySet[Address]:
    """The addresses to which the delivery would go, of the profiles within the span."""
    rows = Address.objects.order_by().filter(
        channel=judge.situation.channel, is_primary=True, is_valid=True
    )
    return judge.situation.moment.within(rows)
