"""Why fewer than last week? Two prepared deliveries side by side (D4).

The counts per cause stand in the runs. Who moved from one cause to another is counted
from the outcomes: two statements, whatever their number.
"""

from dataclasses import dataclass

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from delivery.analysis import definitions
from delivery.analysis.reports import Line
from delivery.models import Analysis, Delivery, Outcome, TypologyRule
from delivery.models.typologies import label_in_words


@dataclass(frozen=True)
class Change:
    """A cause, or those to deliver, in two deliveries."""

    code: str
    label: str
    before: int
    now: int
    share_before: float
    share_now: float

    @property
    def difference(self) -> int:
        return self.now - self.before

    @property
    def difference_of_share(self) -> float:
        """In percentage points."""
        return self.share_now - self.share_before


@dataclass(frozen=True)
class Moves:
    """Of those to deliver then: where they are now; of those now: where they were.

    A line is how many people are under another heading than they were.
    """

    stayed: int
    lost: list[Line]
    gained: list[Line]


def candidates(delivery: Delivery) -> QuerySet[Delivery]:
    """Other prepared deliveries of its channel, the newest first."""
    latest = Analysis.objects.filter(delivery=OuterRef("pk")).order_by("-id")
    return (
        Delivery.objects.filter(channel=delivery.channel)
        .exclude(pk=delivery.pk)
        .alias(latest_state=Subquery(latest.values("state")[:1]))
        .filter(latest_state=Analysis.State.READY)
        .order_by("-id")
    )


def previous(delivery: Delivery) -> Delivery | None:
    """The one before it of the same service; without a service, of its channel."""
    earlier = candidates(delivery).filter(pk__lt=delivery.pk)
    return earlier.filter(service=delivery.service_id).first()


def changes(earlier: Analysis, later: Analysis) -> list[Change]:
    """Every cause that either of two runs knows, those to deliver first."""
    labels = {"": _("To deliver")}
    for run in (later, earlier):
        for rule in definitions.rules_of(run):
            labels.setdefault(rule.code, label_in_words(str(rule.label)))

    def share(run: Analysis, code: str) -> float:
        return 100 * run.counts.get(code, 0) / run.targeted if run.targeted else 0.0

    return [
        Change(
            code,
            label,
            earlier.counts.get(code, 0),
            later.counts.get(code, 0),
            share(earlier, code),
            share(later, code),
        )
        for code, label in labels.items()
    ]


def moves(earlier: Delivery, later: Delivery) -> Moves:
    """Who is no longer to be delivered to, and why; and who is now, and was not."""
    now = _headings(later, of_targets=earlier)
    before = _headings(earlier, of_targets=later)
    then_total, now_total = _targets(earlier).count(), _targets(later).count()
    gone = then_total - sum(now.values())
    came = now_total - sum(before.values())
    labels = dict(TypologyRule.objects.values_list("id", "label"))
    codes = dict(TypologyRule.objects.values_list("id", "code"))

    def as_moves(counts: dict[int | None, int], absent: str, rest: int) -> list[Line]:
        found = [
            Line(
                codes.get(rule or 0, ""),
                label_in_words(labels.get(rule or 0, "?")),
                count,
            )
            for rule, count in counts.items()
            if rule is not None
        ]
        if rest:
            found.append(Line("", absent, rest))
        return sorted(found, key=lambda line: -line.count)

    return Moves(
        stayed=now.get(None, 0),
        lost=as_moves(now, _("Not in the audience any more"), gone),
        gained=as_moves(before, _("Was not in the audience"), came),
    )


def _targets(delivery: Delivery) -> QuerySet[Outcome]:
    return Outcome.objects.order_by().filter(delivery=delivery, rule__isnull=True)


def _headings(delivery: Delivery, *, of_targets: Delivery) -> dict[int | None, int]:
    """Under which rule the targets of the one delivery are in the other; None: none."""
    people = _targets(of_targets).values("profile_id")
    rows = Outcome.objects.order_by().filter(delivery=delivery, profile_id__in=people)
    return dict(rows.values_list("rule_id").annotate(number=Count("profile_id")))
