"""The report of a delivery and its exclusion log, as pages of the admin (D4, D8).

Pages of the log are cut by profile id, not counted: page one thousand of a log of
millions takes as long as the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy

from audiences import profiles
from audiences.console.charts import Share, in_a_row
from audiences.console.downloads import EXPORTERS, csv_file, may_export
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.models import Profile
from audiences.selections import filters
from delivery import analysis, approvals
from delivery.admin.deliveries import preparations, steps
from delivery.analysis import (
    WARNINGS,
    Report,
    comparison,
    definitions,
    outcomes,
    preparation,
    reports,
)
from delivery.models import Analysis, Delivery, Outcome
from delivery.models.typologies import label_in_words
from delivery.rules import rules_of
from delivery.sending import freshness
from delivery.sending.exports import COLUMNS, Export
from delivery.sending.last_check import LABELS

PAGE = 50
ALL, EXCLUDED, TO_DELIVER = "all", "excluded", "to_deliver"


@dataclass(frozen=True)
class Selection:
    """Which outcomes are shown: `show` is one of `choices`, `text` names profiles."""

    show: str
    text: str
    choices: list[tuple[str, str]]

    @classmethod
    def of(cls, query: Mapping[str, str], report: Report | None) -> "Selection":
        """What the address of the page asks for; anything unknown shows the log.

        Who looks for a person looks among all, unless the page says otherwise.
        """
        choices = [
            (EXCLUDED, _("Excluded")),
            (TO_DELIVER, _("To deliver")),
            (ALL, _("Everyone in the audience")),
        ]
        if report:
            choices += [
                (f"cause:{line.code}", report.in_words(line)) for line in report.causes
            ]
            choices += [
                (f"warning:{line.code}", _("Warning: ") + report.in_words(line))
                for line in report.warnings
                if line.code in WARNINGS
            ]
        text = query.get("q", "").replace("\0", "").strip()
        show = query.get("show", "")
        if show not in dict(choices):
            show = ALL if text else EXCLUDED
        return cls(show, text, choices)

    @property
    def label(self) -> str:
        return dict(self.choices)[self.show]

    @property
    def holds_targets(self) -> bool:
        """Whether people are among them who would get the delivery."""
        return self.show in (ALL, TO_DELIVER) or self.show.startswith("warning:")

    def rows(self, delivery: Delivery) -> QuerySet[Outcome]:
        """The chosen outcomes, in the order of the profiles."""
        kind, _colon, code = self.show.partition(":")
        if kind == "warning":
            rows = outcomes.warned(delivery, code)
        elif kind == "cause":
            rows = outcomes.decided(delivery, excluded=True).filter(rule__code=code)
        elif kind == ALL:
            rows = Outcome.objects.filter(delivery=delivery).order_by("profile_id")
        else:
            rows = outcomes.decided(delivery, excluded=kind != TO_DELIVER)
        if self.text:
            people = Profile.objects.order_by().filter(filters.search(self.text))
            rows = rows.filter(profile_id__in=people.values("pk"))
        return rows

    def query(self, **more: object) -> str:
        """The address of this selection, or of one of its pages."""
        given = {"show": self.show, "q": self.text, **more}
        return urlencode({name: value for name, value in given.items() if value})

    @property
    def everywhere(self) -> str:
        """The address of the same search among everyone."""
        return urlencode({"show": ALL, "q": self.text})


def page_of(
    delivery: Delivery, selection: Selection, query: Mapping[str, str]
) -> Facts:
    """Rows after, or before, a profile id, and the queries of the pages beside them."""
    after, before = _number(query.get("after")), _number(query.get("before"))
    # The profile may have been erased: it is fetched apart, not joined.
    rows = selection.rows(delivery).select_related("rule").prefetch_related("profile")
    backwards = before is not None
    if backwards:
        rows = rows.filter(profile_id__lt=before).order_by("-profile_id")
    elif after is not None:
        rows = rows.filter(profile_id__gt=after)
    found = list(rows[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    if backwards:
        found.reverse()
    if not found:
        return {"rows": []}
    first, last = found[0].profile_id, found[-1].profile_id
    has_next = backwards or more
    has_previous = more if backwards else after is not None
    return {
        "rows": found,
        "next": selection.query(after=last) if has_next else "",
        "previous": selection.query(before=first) if has_previous else "",
    }


def _number(text: str | None) -> int | None:
    usable = text and text.isascii() and text.isdigit()
    return min(int(text), profiles.LARGEST_ID) if text and usable else None


@page(Delivery, "outcomes", "view", title=gettext_lazy("Who is excluded, and why"))
def report_and_log(
    admin: PlainAdmin, request: HttpRequest, delivery: Delivery
) -> Answer:
    """Who gets the delivery, who is excluded and why; then each, page by page."""
    present = preparation.of(delivery)
    facts: Facts = {"delivery": delivery}
    facts |= preparations.context(request, delivery, present)
    facts |= preparations.forecast(request, delivery)
    facts |= steps.context(request, delivery)
    run = present.run
    if run is None:
        return facts
    report = reports.report_of(run)
    selection = Selection.of(request.GET, report)
    base = reverse("admin:delivery_delivery_outcomes", args=[delivery.pk])
    csv_url = reverse("admin:delivery_delivery_outcomes_csv", args=[delivery.pk])
    return (
        facts
        | {
            "run": run,
            "report": report,
            "is_ready": run.state == Analysis.State.READY,
            **_freshness(run, is_sent=facts["is_sent"]),
            # A run that an error stopped before anybody was judged has none.
            "has_log": run.state != Analysis.State.FAILED or run.chunks.exists(),
            "previous": comparison.previous(delivery),
            "selection": selection,
            "may_export": may_export(request),
            "page": page_of(delivery, selection, request.GET),
            "csv_url": csv_url,
        }
        | _shares(report, base)
    )


def _freshness(run: Analysis, *, is_sent: bool) -> Facts:
    """Whether the preparation is out of date, and whom it would leave out now."""
    facts: Facts = {"is_stale": definitions.is_stale(run)}
    if is_sent or run.state != Analysis.State.READY:
        return facts
    why = freshness.out_of_date([run]).get(run.pk)
    drift = freshness.drift_of(run)
    facts |= {"is_old": why is freshness.OutOfDate.OLD, "drift": drift}
    if drift and drift.count:
        labels = LABELS | {
            rule.code: rule.label for rule in rules_of(run.delivery.typology)
        }
        facts["drift_causes"] = [
            (label_in_words(str(labels.get(code, code))), grouped(count))
            for code, count in drift.causes.items()
        ]
        facts["drift_count"] = grouped(drift.count)
    return facts


def _shares(report: Report, base: str) -> Facts:
    def url(show: str) -> str:
        return f"{base}?{urlencode({'show': show})}#log"

    def share(label: str, count: int, show: str, code: str = "") -> Share:
        return Share(label, count, report.targeted, code, url(show))

    def of_line(kind: str, line: reports.Line) -> Share:
        show = f"{kind}:{line.code}"
        return share(report.in_words(line), line.count, show, line.code)

    delivered, excluded = in_a_row(
        [
            share(_("To deliver"), report.to_deliver, TO_DELIVER),
            share(_("Excluded"), report.excluded, EXCLUDED),
        ]
    )
    causes = [of_line("cause", line) for line in report.causes]
    warnings = [
        of_line("warning", line)
        for line in report.warnings
        if line.code in analysis.WARNINGS and line.count
    ]
    return {
        "targeted": grouped(report.targeted),
        "delivered": delivered,
        "excluded": excluded,
        "causes": in_a_row(causes, report.to_deliver),
        "is_nobody_excluded": not report.excluded,
        "empty_causes": sum(not cause.count for cause in causes),
        "warnings": warnings,
        "findings": report.remarks,
    }


@page(
    Delivery,
    "why",
    "view",
    route="<int:pk>/outcomes/why/<int:profile_id>/",
    title=gettext_lazy("Why?"),
)
def why(
    admin: PlainAdmin, request: HttpRequest, delivery: Delivery, profile_id: int
) -> Answer:
    """Every rule that excludes one profile at this moment, and what was decided."""
    profile = get_object_or_404(Profile, pk=profile_id)
    kept = Outcome.objects.select_related("rule")
    return {
        "delivery": delivery,
        "profile": profile,
        "explanation": analysis.explain(delivery, profile),
        "outcome": kept.filter(delivery=delivery, profile=profile).first(),
        **steps.context(request, delivery),
    }


@page(Delivery, "outcomes_csv", "view", *EXPORTERS, route="<int:pk>/outcomes.csv")
def download(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """The chosen rows as a CSV file.

    Nobody stands in it as to deliver who must not get it any more, unless the rows are
    asked for as analysed.
    """
    run = delivery.latest_analysis
    selection = Selection.of(request.GET, reports.report_of(run) if run else None)
    if selection.holds_targets:
        refusal = approvals.refusal(request.user, delivery, approvals.Act.USE)
        if refusal:
            raise PermissionDenied(refusal)
    name = f"delivery-{delivery.pk}-{selection.show.replace(':', '-')}.csv"
    export = Export(
        delivery,
        selection.rows(delivery),
        as_analysed="as_analysed" in request.GET or not selection.holds_targets,
        keeps_all=selection.show == ALL,
        is_part=bool(selection.text) or selection.show.startswith("warning:"),
    )
    return csv_file(name, COLUMNS, export)
