"""The last check: the rules once more, right before messages are handed over (D7).

Between the analysis and the hand-over people opt out, addresses fail, and other
deliveries go out. Before a batch is handed over, the transaction that claims it asks
here; the results of the analysis are not believed.
"""

from django.db.models import BooleanField, Case, OuterRef, Q, Subquery, When

from audiences.conditions import Span
from audiences.sql import statements
from delivery.models import Delivery, Outcome
from delivery.rules import judge_of

# Causes that only a check after the analysis can find.
LEFT_AUDIENCE = "left_audience"
ADDRESS_CHANGED = "address_changed"


# They stand for the ends of a batch in the statements; no id is negative.
LOW, HIGH = -(2**62), -(2**62) + 1


class LastCheck:
    """Which targets of a delivery must not get it any more; made anew for each minute.

    Every rule judges present rows, and the quarantine by its entries instead of the
    copies beside the addresses. The definitions of the rules and the moment are those
    of when it was made: one who hands over for long makes a new one now and then.
    """

    def __init__(self, delivery: Delivery) -> None:
        targets = Outcome.objects.order_by().filter(
            delivery=delivery,
            rule__isnull=True,
            profile_id__gte=LOW,
            profile_id__lte=HIGH,
        )
        span = Span(LOW, HIGH, targets.values("profile_id"))
        judge = judge_of(delivery).given(span=span, reads_entries=True)
        self._codes = {number: code for code, number in judge.numbers.items()}
        analysed = targets.filter(profile_id=OuterRef("pk")).values("address")
        judged = (
            judge.judged()
            .annotate(
                is_same=Case(
                    When(main_address__value=Subquery(analysed), then=True),
                    default=False,
                    output_field=BooleanField(),
                ),
            )
            .filter(Q(cause__isnull=False) | Q(is_same=False))
        )
        ends = (LOW, HIGH)
        self._judged = statements.Compiled(judged.values_list("pk", "cause"), ends)
        left = targets.exclude(profile_id__in=judge.audience().values("pk"))
        self._left = statements.Compiled(left.values_list("profile_id"), ends)

    def excluded(self, low: int, high: int) -> dict[int, str]:
        """The causes, by profile id, of the targets between two ids to leave out now.

        Besides the codes of rules: `left_audience` for those who are not in the
        audience any more (or erased), and `address_changed` when the primary address is
        not the one of the analysis. Duplicates are not judged again: a profile that
        lost a shared address stays excluded. Two statements, whatever the number of
        targets; meant for batches of some thousands.
        """
        found = {
            pk: ADDRESS_CHANGED if number is None else self._codes[number]
            for pk, number in self._judged.rows(low, high)
        }
        return found | {pk: LEFT_AUDIENCE for (pk,) in self._left.rows(low, high)}
