"""What `delivery` shows on the home page: deliveries, quarantine, what went wrong."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _, ngettext

from audiences.admin.home import waiting
from audiences.console import charts
from audiences.console.dashboard import Card, Figures, Notice, attention, card, task
from audiences.console.masking import shown_text
from audiences.console.numbers import grouped
from delivery import approvals
from delivery.admin.deliveries import steps
from delivery.models import Analysis, Delivery, HookCount, InboundItem, Sending
from delivery.models.quarantine import ErrorReason
from delivery.sending import standing
from delivery.sending.standing import Standing

SHOWN = 6
_TAKEN = (HookCount.Outcome.ACCEPTED, HookCount.Outcome.REPEATED)


def _first(rows: QuerySet[Delivery]) -> list[tuple[Delivery, Standing]]:
    """The first few deliveries, and how each stands."""
    shown = list(rows[:SHOWN])
    found = standing.of_all(shown)
    return [(delivery, found[delivery.pk]) for delivery in shown]


@card(30, "delivery.view_delivery")
def last_deliveries(request: HttpRequest, figures: Figures) -> Card:
    """Deliveries whose sending is not over, then the newest, each with a bar of who
    gets it and who does not."""
    begun = Sending.objects.filter(delivery=OuterRef("pk"), state__in=Sending.OPEN)
    known = Delivery.objects.annotate(is_open=Exists(begun))
    rows = []
    for delivery, found in _first(known.order_by("-is_open", "-id")):
        at, what = steps.dated(found, delivery)
        run = found.run
        page = "outcomes" if run else "content"
        rows.append(
            {
                "delivery": delivery,
                "url": reverse(f"admin:delivery_delivery_{page}", args=[delivery.pk]),
                "state": steps.pill(found),
                "date": f"{what} {at}",
                "alarm": steps.in_words(found.unusual),
                "targeted": grouped(run.targeted) if run else "0",
                "bar": charts.in_a_row(
                    charts.Share(label, count, run.targeted)
                    for label, count in (
                        (_("to deliver"), run.to_deliver),
                        (_("excluded"), run.excluded),
                    )
                )
                if run
                else [],
            }
        )
    context = {
        "rows": rows,
        "may_add": request.user.has_perm("delivery.add_delivery"),
        "others": len(rows) == SHOWN,
    }
    if context["others"]:
        context["number"] = Delivery.objects.count()
    return Card(_("Last deliveries"), "admin/console/deliveries.html", context)


@card(40, "delivery.view_quarantineentry")
def quarantine_growth(request: HttpRequest, figures: Figures) -> Card:
    """Addresses that get nothing: by reason, and new ones by day."""
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
                    "width": charts.length(total, largest),
                }
                for reason, total, week, month in data["reasons"]
            ],
        }
    title = _("Quarantine by reason")
    return Card(title, "admin/console/quarantine.html", context, figure)


def _reason(code: str) -> str:
    known = dict(ErrorReason.choices)
    return str(known.get(code, _("No reason")))


@attention("delivery.view_delivery")
def analyses(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Newest deliveries that could not be prepared, warn, or are strange."""
    found = []
    for delivery, stands in _first(Delivery.objects.order_by("-id")):
        run = stands.run
        if run is None or stands.sending:
            continue
        url = reverse("admin:delivery_delivery_outcomes", args=[delivery.pk])
        facts = {"delivery": delivery.label}
        if alarm := steps.in_words(stands.unusual):
            found.append(Notice(f"“{delivery.label}”: {alarm}", url, "bad"))
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


def _others(count: int, tone: str) -> list[Notice]:
    """How many more there are than a list of `SHOWN` has, with the way to them."""
    if count <= SHOWN:
        return []
    text = ngettext("{count} more like it.", "{count} more like these.", count - SHOWN)
    url = reverse("admin:delivery_delivery_changelist")
    return [Notice(text.format(count=grouped(count - SHOWN)), url, tone)]


@task("delivery.skip_denylist")
def approvals_due(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Deliveries to opted-out people that this user may approve: a second person."""
    text = _("“{delivery}” reaches opted-out people too, and waits to be approved.")
    due = approvals.waiting_for(request.user)
    return [
        Notice(
            text.format(delivery=delivery.label),
            reverse("admin:delivery_delivery_approval", args=[delivery.pk]),
        )
        for delivery in due[:SHOWN]
    ] + _others(len(due), "")


@attention("delivery.view_delivery")
def sendings(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Deliveries that were being sent and wait for somebody, with the reason."""
    waiting_ones = Sending.objects.filter(
        state__in=(Sending.State.PAUSED, Sending.State.FAILED)
    ).exclude(reason="", state=Sending.State.PAUSED)
    waiting_ones = waiting_ones.select_related("delivery").order_by("-pk")
    text = _("“{delivery}” is not being sent ({state}): {reason}")
    return [
        Notice(
            text.format(
                delivery=row.delivery.label,
                state=row.get_state_display(),
                reason=row.reason or row.error,
            ),
            reverse("admin:delivery_delivery_send", args=[row.delivery_id]),
            "bad" if row.state == Sending.State.FAILED else "warn",
        )
        for row in waiting_ones[:SHOWN]
    ] + _others(waiting_ones.count(), "warn")


@attention("delivery.view_inbounditem")
def what_waits(request: HttpRequest, figures: Figures) -> list[Notice]:
    """What came back and waits for somebody; a held address gets nothing meanwhile."""
    url = reverse("admin:delivery_inbounditem_changelist")
    held = InboundItem.objects.filter(state=InboundItem.State.HELD)
    others = [state for state in InboundItem.WAITING if state != InboundItem.State.HELD]
    return waiting(
        held,
        lambda count: ngettext(
            "{count} address is held: somebody must read what came and decide.",
            "{count} addresses are held: somebody must read what came and decide.",
            count,
        ),
        f"{url}?state=held",
    ) + waiting(
        InboundItem.objects.filter(state__in=others),
        lambda count: ngettext(
            "{count} thing that came back waits for a decision.",
            "{count} things that came back wait for a decision.",
            count,
        ),
        url,
    )


@attention("delivery.view_hookcount")
def refused_calls(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Providers whose calls were refused since yesterday: a wrong secret loses all."""
    since = datetime.now(UTC).date() - timedelta(days=1)
    refused = HookCount.objects.filter(day__gte=since).exclude(outcome__in=_TAKEN)
    rows = refused.order_by("provider").values_list("provider").annotate(Sum("count"))
    url = reverse("admin:delivery_hookcount_changelist")

    def words(count: int) -> str:
        return ngettext(
            "{count} call of “{provider}” was refused since yesterday.",
            "{count} calls of “{provider}” were refused since yesterday.",
            count,
        )

    return [
        Notice(
            words(count).format(count=grouped(count), provider=provider),
            f"{url}?provider={provider}",
        )
        for provider, count in rows
    ]


@attention("delivery.view_quarantineentry")
def outages(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Many addresses with the same error: perhaps their provider was down (Q6)."""
    figure = figures.get("outages")
    if figure is None:
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
