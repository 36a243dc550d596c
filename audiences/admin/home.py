"""What `audiences` shows on the home page: reach, and how consent moves."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from audiences.background import presence
from audiences.channels import Channel
from audiences.console import charts, proxies  # noqa: F401  (has a notice)
from audiences.console.dashboard import Card, Figures, Notice, attention, card
from audiences.console.lists import COUNTED
from audiences.console.numbers import grouped
from audiences.models import OutboxMail

PARTS = {
    "contactable": gettext_lazy("contactable"),
    "opted_out": gettext_lazy("opted out"),
    "quarantined": gettext_lazy("in quarantine"),
    "no_address": gettext_lazy("no usable address"),
}


@card(10, "audiences.view_profile")
def reach(request: HttpRequest, figures: Figures) -> Card:
    """Each channel: how many can be contacted, and why the others cannot."""
    figure = figures.get("reach")
    total = figure.data["total"] if figure else 0
    profiles = reverse("admin:audiences_profile_changelist")
    links = {"opted_out": f"{profiles}?opted_out="}
    lines = []
    for channel in Channel:
        counts = figure.data["channels"].get(channel.value, {}) if figure else {}
        if not counts or total == counts["no_address"] + counts["opted_out"]:
            continue  # a channel that nobody has an address on
        parts = [
            charts.Share(
                label,
                counts[code],
                total,
                code=f"part-{number}",
                url=f"{links[code]}{channel.value}" if code in links else "",
            )
            for number, (code, label) in enumerate(PARTS.items(), 1)
        ]
        lines.append({"channel": channel.label, "parts": charts.in_a_row(parts)})
    context = {"total": grouped(total), "lines": lines, "labels": PARTS.values()}
    template = "admin/console/reach.html"
    return Card(_("Reach by channel"), template, context, figure, is_wide=True)


@card(20, "audiences.view_consentevent")
def consent_by_day(request: HttpRequest, figures: Figures) -> Card:
    """Opt-ins above the axis, opt-outs below it, for the last 30 days."""
    figure = figures.get("consent_by_day")
    chart = None
    if figure:
        data = figure.data
        chart = charts.Daily(
            _("Opt-ins and opt-outs of the last 30 days"),
            (_("opt-ins"), _("opt-outs")),
            [date.fromisoformat(day) for day in data["days"]],
            (data["opt_in"], data["opt_out"]),
            "consent",
        )
    title = _("Opt-ins and opt-outs, 30 days")
    return Card(title, "admin/console/chart_card.html", {"chart": chart}, figure)


@attention()
def never_counted(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Somebody who sees no figure learns why."""
    if "reach" in figures:
        return []
    text = _("Nothing has been counted yet. Press “Count again” below.")
    return [Notice(text, tone="")]


@attention()
def nobody_works(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Without a worker much waits and nothing says so: everybody is to know.

    On one's own machine that is no alarm: whoever wants one starts it.
    """
    if presence.somebody_works():
        return []
    if settings.DEBUG:
        text = _(
            "No background worker is running on this machine: mails, deliveries and "
            "imports wait until you start one (manage.py worker)."
        )
        return [Notice(text, tone="")]
    seen = presence.last_seen()
    if seen is None:
        text = _(
            "No background worker was ever seen: mails, deliveries and imports wait. "
            "Ask whoever runs the site to start one."
        )
    else:
        minutes = int((timezone.now() - seen).total_seconds() // 60)
        text = ngettext(
            "No background worker was seen for {count} minute: mails, deliveries and "
            "imports wait. Ask whoever runs the site to look.",
            "No background worker was seen for {count} minutes: mails, deliveries and "
            "imports wait. Ask whoever runs the site to look.",
            minutes,
        ).format(count=grouped(minutes))
    workers = reverse("admin:help_document", args=["operations"])
    return [Notice(text, f"{workers}#background-workers", tone="bad")]


@attention("audiences.view_outboxmail")
def uncertain_mails(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Mails of which nobody knows whether they left: somebody must look."""
    uncertain = OutboxMail.objects.filter(result=OutboxMail.Result.UNCERTAIN)
    return waiting(
        uncertain,
        lambda count: ngettext(
            "{count} mail was perhaps not sent: the connection broke meanwhile.",
            "{count} mails were perhaps not sent: the connection broke meanwhile.",
            count,
        ),
        reverse("admin:audiences_outboxmail_changelist") + "?result=uncertain",
    )


def waiting(
    rows: QuerySet[Any], words: Callable[[int], str], url: str, tone: str = "warn"
) -> list[Notice]:
    """A notice about rows that wait, counted up to a bound; none when none does."""
    count = rows.order_by()[: COUNTED + 1].count()
    if not count:
        return []
    number = grouped(min(count, COUNTED)) + ("+" if count > COUNTED else "")
    return [Notice(words(count).format(count=number), url, tone)]
