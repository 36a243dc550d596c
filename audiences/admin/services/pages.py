"""The pages beside the form of a service: its report, and a preview of its messages."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _, gettext_lazy

from audiences.admin.services.forms import ServiceForm
from audiences.channels import Channel
from audiences.console.lists import PlainAdmin, grouped
from audiences.models import ConsentEvent, Profile, Service, Subscription
from audiences.subscriptions import figures, messages
from audiences.subscriptions.reports import PERIODS, Period, ServiceReport, Steps
from audiences.wording import page_texts
from audiences.wording.markdown import to_html, to_text

View = Callable[..., HttpResponse]
WAYS = {
    "request": gettext_lazy("Message that asks to confirm"),
    "subscribed": gettext_lazy("Message after subscribing"),
    "unsubscribed": gettext_lazy("Message after unsubscribing"),
}
_BY = {
    "day": gettext_lazy("days"),
    "week": gettext_lazy("weeks"),
    "month": gettext_lazy("months"),
}
HEIGHT = 100
MINUS = "\N{MINUS SIGN}"


def _service(admin: PlainAdmin, request: HttpRequest, pk: int) -> Service:
    service = get_object_or_404(Service, pk=pk)
    if not admin.has_view_permission(request, service):
        raise PermissionDenied
    return service


def _context(admin: PlainAdmin, request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.admin_site.each_context(request), "opts": Service._meta} | {
        "title": title
    }


# ------------------------------------------------------------------ the report
def report(admin: PlainAdmin) -> View:
    """The evolution over time, as a chart and as a table, and by source."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        service = _service(admin, request, pk)
        by = request.GET.get("by", "day")
        by = by if by in PERIODS else "day"
        source = request.GET.get("source", "")
        sources = dict(ConsentEvent.Source.choices)
        source = source if source in sources else ""
        found = figures.report(service, by=by, source=source)
        context = _context(admin, request, _("Report")) | {
            "service": service,
            "by": by,
            "source": source,
            "source_label": sources.get(source, ""),
            "periods_choices": _BY.items(),
            "as_of": found.at,
            "is_counted": found.report is not None,
        }
        if found.report:
            context |= _shown(found.report, by)
        template = "admin/audiences/service/report.html"
        return TemplateResponse(request, template, context)

    return view


def _shown(found: ServiceReport, by: str) -> dict[str, Any]:
    sources = dict(ConsentEvent.Source.choices)
    return {
        "source_choices": [(row.source, sources[row.source]) for row in found.sources],
        "statuses": _statuses(found),
        "chart": _chart(found.periods, by),
        "rows": [_row(period, by) for period in reversed(found.periods)],
        "sources": [(sources[row.source], *_numbers(row)) for row in found.sources],
        "is_empty": found.is_empty,
    }


def _statuses(found: ServiceReport) -> list[tuple[str, str, str]]:
    return [
        (status, str(Subscription.Status(status).label), grouped(number))
        for status in Subscription.Status.values
        for number in [found.statuses.get(status, 0)]
    ]


def _numbers(row: Steps) -> list[str]:
    names = ("requested", "subscribed", "unsubscribed", "expired", "unconfirmed")
    return [*(grouped(getattr(row, name)) for name in names), _signed(row.net)]


def _signed(number: int) -> str:
    return f"+{grouped(number)}" if number > 0 else grouped(number).replace("-", MINUS)


def _row(period: Period, by: str) -> dict[str, Any]:
    active = "" if period.active is None else grouped(period.active)
    return {
        "label": _label(period, by),
        "numbers": [*_numbers(period), active],
        "is_quiet": not any((period.requested, period.subscribed, period.net))
        and not any((period.unsubscribed, period.expired, period.unconfirmed)),
    }


def _label(period: Period, by: str) -> str:
    if by == "month":
        return str(date_format(period.start, "YEAR_MONTH_FORMAT"))
    return str(date_format(period.start, "SHORT_DATE_FORMAT"))


def _chart(periods: list[Period], by: str) -> dict[str, Any]:
    """Bars up for those who came, bars down for those who left, to one scale."""
    up = max((p.subscribed for p in periods), default=0)
    down = max((p.unsubscribed + p.expired for p in periods), default=0)
    most = max(up, down, 1)
    step = 1000 / len(periods)
    bars = [
        {
            "x": round(number * step + step * 0.15, 1),
            "width": round(step * 0.7, 1),
            "up": round(HEIGHT * period.subscribed / most, 1),
            "top": round(HEIGHT * (1 - period.subscribed / most), 1),
            "down": round(HEIGHT * (period.unsubscribed + period.expired) / most, 1),
            "label": f"{_label(period, by)}: +{period.subscribed} "
            f"{MINUS}{period.unsubscribed + period.expired}",
        }
        for number, period in enumerate(periods)
    ]
    return {
        "bars": bars,
        "middle": HEIGHT,
        "height": 2 * HEIGHT,
        "most": grouped(most),
        "first": _label(periods[0], by),
        "last": _label(periods[-1], by),
        "came": grouped(sum(p.subscribed for p in periods)),
        "left": grouped(sum(p.unsubscribed + p.expired for p in periods)),
    }


# ------------------------------------------------------------------ the messages
def preview(admin: PlainAdmin) -> View:
    """The messages as a person gets them: as they are kept, or as they are typed."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        service = _service(admin, request, pk)
        errors: list[str] = []
        if request.method == "POST":
            form = ServiceForm(request.POST, instance=service)
            form.fields.pop("slug", None)
            if request.POST.get("channel") is None:
                form.fields.pop("channel", None)
            form.is_valid()
            errors = [
                f"{form.fields[name].label or name}: {text}"
                for name, texts in form.errors.items()
                if name in form.fields
                for text in texts
            ]
        context = _context(admin, request, _("Preview of the messages")) | {
            "service": service,
            "errors": errors,
            "is_typed": request.method == "POST",
            "ways": [_way(service, way) for way in WAYS],
        }
        template = "admin/audiences/service/preview.html"
        return TemplateResponse(request, template, context)

    return view


def _way(service: Service, way: str) -> dict[str, Any]:
    mode = getattr(service, f"{way}_message")
    is_sent = mode != Service.Confirms.NONE
    if way == "request":
        is_sent = service.double_opt_in
    return {
        "title": WAYS[way],
        "mode": Service.Confirms(mode).label,
        "is_sent": is_sent,
        "messages": [_message(service, way, *each) for each in page_texts.languages()],
    }


def _message(service: Service, way: str, code: str, language: str) -> dict[str, Any]:
    # Nobody has the number 0: the links of a preview lead nowhere.
    sample = Profile(pk=0, first_name="Anna", last_name="de Vries")
    said = messages.words(way, sample, service, code)
    by_sms = messages.channel_of(service) == Channel.SMS
    return {
        "code": code,
        "language": language,
        "subject": said.subject,
        "html": "" if by_sms else mark_safe(to_html(said.text)),  # noqa: S308
        "text": said.text if by_sms else to_text(said.text),
        "by_sms": by_sms,
    }
