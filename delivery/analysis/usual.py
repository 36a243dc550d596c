"""Whether a delivery excludes about as many as the last one of its kind (D4).

Its kind is its channel, its service and its purpose. A share that is far from that of
the last prepared one is seldom meant: a rule was lost, an import failed, an audience is
another. It is told before it is sent, whichever way it differs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from delivery.models import Analysis, Delivery

READY = Analysis.State.READY
# Percentage points; and the share that is told where there is nothing to compare with.
FAR = 20.0
NEARLY_ALL = 90.0
# Of a small audience a few people are a large share.
FEW = 20
# Earlier deliveries among which the last of the kind is looked for.
LOOKED_AT = 400

Kind = tuple[str, int | None, str]


@dataclass(frozen=True)
class Unusual:
    """The share of those excluded now, and in the last delivery of the same kind."""

    now: float
    before: float | None = None
    earlier: str = ""

    @property
    def is_more(self) -> bool:
        """Whether it excludes more than before, rather than fewer."""
        return self.before is None or self.now > self.before


def share_of(run: Analysis) -> float:
    """How many in a hundred of those targeted a run excludes."""
    return 100 * run.excluded / run.targeted if run.targeted else 0.0


def unusual(runs: Iterable[Analysis]) -> dict[int, Unusual]:
    """Which of these runs exclude a share far from the usual one; by their id.

    Two queries, whatever their number. The runs are fetched with their deliveries.
    """
    asked = [run for run in runs if run.state == READY]
    if not asked:
        return {}
    channels = {run.delivery.channel for run in asked}
    earlier = _earlier(max(run.delivery_id for run in asked), channels)
    found = {}
    for run in asked:
        kind = kind_of(run.delivery)
        before = next(
            (
                other
                for other in earlier
                if other.delivery_id < run.delivery_id
                and kind_of(other.delivery) == kind
            ),
            None,
        )
        if told := _compared(run, before):
            found[run.pk] = told
    return found


def kind_of(delivery: Delivery) -> Kind:
    return delivery.channel, delivery.service_id, delivery.purpose


def _compared(run: Analysis, before: Analysis | None) -> Unusual | None:
    now = share_of(run)
    if run.targeted < FEW:
        return None
    if before is None:
        return Unusual(now) if now >= NEARLY_ALL else None
    usual = share_of(before)
    if abs(now - usual) < FAR:
        return None
    return Unusual(now, usual, before.delivery.label)


def _earlier(delivery_id: int, channels: set[str]) -> list[Analysis]:
    """The latest runs of the deliveries before one, where they are ready."""
    latest = Analysis.objects.filter(delivery=OuterRef("pk")).order_by("-id")
    before = Delivery.objects.filter(pk__lt=delivery_id, channel__in=channels)
    rows = before.order_by("-id")
    keys = rows.annotate(run=Subquery(latest.values("pk")[:1]))
    wanted = [pk for pk in keys.values_list("run", flat=True)[:LOOKED_AT] if pk]
    found = Analysis.objects.filter(pk__in=wanted, state=READY)
    # What a run was made from is large, and not needed here.
    needed = ("delivery_id", "state", "counts")
    of_kind = ("label", "channel", "service_id", "purpose")
    runs = found.select_related("delivery").only(
        *needed, *(f"delivery__{name}" for name in of_kind)
    )
    return [run for run in runs.order_by("-delivery_id") if run.targeted >= FEW]
