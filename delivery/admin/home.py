"""What `delivery` shows on the home page: deliveries, quarantine, what went wrong."""

from datetime import date
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audiences.admin.lists import grouped
from audiences.admin.masking import shown_text
from audiences.console import charts
from audiences.console.badges import badge
from audiences.console.dashboard import Card, Figures, Notice, attention, card
from delivery.models import Analysis, Delivery
from delivery.models.quarantine import ErrorReason

SHOWN = 6
TONES = {"ready": "good", "running": "info", "stopped": "warn", "failed": "bad"}


def _newest() -> QuerySet[Analysis]:
    """The latest analysis of each of the newest deliveries."""
    latest = Analysis.objects.filter(delivery=OuterRef("pk")).order_by("-id")
    newest = Delivery.objects.order_by("-id").annotate(
        latest=Subquery(latest.values("pk")[:1])
    )
    ids = [pk for pk in newest.values_list("latest", flat=True)[:SHOWN] if pk]
    return Analysis.objects.filter(pk__in=ids).select_related("delivery")


@card(30)
def last_deliveries(request: HttpRequest, figures: Figures) -> Card | None:
    """The newest deliveries, each with a bar of who gets it and who does not."""
    if not request.user.has_perm("delivery.view_delivery"):
        return None
    rows = []
    for run in sorted(_newest(), key=lambda run: -run.delivery_id):
        share = run.to_deliver / run.targeted if run.targeted else 0.0
        rows.append(
            {
                "delivery": run.delivery,
                "url": reverse(
                    "admin:delivery_delivery_outcomes", args=[run.delivery_id]
                ),
                "state": badge(run.get_state_display(), TONES.get(run.state, "")),
                "targeted": grouped(run.targeted),
                "to_deliver": grouped(run.to_deliver),
                "excluded": grouped(run.excluded),
                "share": f"{number_format(f'{100 * share:.1f}')}%"
                if run.targeted
                else "",
                "width": round(1000 * share, 1),
                "rest": round(1000 - 1000 * share, 1) if run.targeted else 0,
            }
        )
    context = {"rows": rows, "may_add": request.user.has_perm("delivery.add_delivery")}
    return Card(_("Last deliveries"), "admin/console/deliveries.html", context)


@card(40)
def quarantine_growth(request: HttpRequest, figures: Figures) -> Card | None:
    """Addresses that get nothing: by reason, and new ones by day."""
    if not request.user.has_perm("delivery.view_quarantineentry"):
        return None
    figure = figures.get("quarantine_growth")
    context: dict[str, Any] = {}
    if figure:
        data = figure.data
        largest = max((row[1] for row in data["reasons"]), default=0)
        entries = reverse("admin:delivery_quarantineentry_changelist")
        context = {
            "chart": charts.Daily(
                _("Addresses put into quarantine in the last 30 days"),
                (_("put into quarantine"),),
                [date.fromisoformat(day) for day in data["days"]],
                (data["added"],),
                "quarantine",
            ),
            "reasons": [
                {
                    "label": _reason(reason),
                    "url": f"{entries}?reason__exact={reason}",
                    "numbers": [grouped(n) for n in (total, month, week)],
                    "width": round(1000 * total / largest, 1) if largest else 0,
                }
                for reason, total, week, month in data["reasons"]
            ],
        }
    title = _("Quarantine by reason")
    return Card(title, "admin/console/quarantine.html", context, figure)


def _reason(code: str) -> str:
    known = dict(ErrorReason.choices)
    return str(known.get(code, _("No reason")))


@attention
def analyses(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Newest deliveries whose analysis failed or stopped, or has a warning."""
    if not request.user.has_perm("delivery.view_delivery"):
        return []
    found = []
    for run in _newest():
        url = reverse("admin:delivery_delivery_outcomes", args=[run.delivery_id])
        facts = {"delivery": run.delivery.label}
        if run.state == Analysis.State.FAILED:
            text = _("The analysis of “{delivery}” failed.").format(**facts)
            found.append(Notice(text, url, "bad"))
        elif run.state == Analysis.State.STOPPED:
            text = _("The analysis of “{delivery}” was stopped before its end.")
            found.append(Notice(text.format(**facts), url))
        elif warned := sum(n for n in run.warnings.values() if isinstance(n, int)):
            text = ngettext(
                "“{delivery}” has a warning about {count} person.",
                "“{delivery}” has warnings about {count} people.",
                warned,
            )
            found.append(Notice(text.format(count=grouped(warned), **facts), url))
    return found


@attention
def outages(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Many addresses with the same error: perhaps their provider was down (Q6)."""
    figure = figures.get("outages")
    if not (figure and request.user.has_perm("delivery.view_quarantineentry")):
        return []
    errors = reverse("admin:delivery_addresserror_changelist")
    text = _(
        "{count} addresses got the same error in two days: “{text}”. If their provider "
        "was down, release them."
    )
    return [
        Notice(
            text.format(
                count=grouped(group["count"]), text=shown_text(request, group["text"])
            ),
            f"{errors}?channel__exact={group['channel']}"
            f"&reason__exact={group['reason']}",
        )
        for group in figure.data
    ]
