"""The pages beside the form of a service: its report, and a preview of its messages."""

from typing import Any

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from audiences import wishes
from audiences.admin.services.forms import ServiceForm
from audiences.channels import Channel
from audiences.console.charts import Evolution
from audiences.console.numbers import MINUS, grouped, signed
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.models import ConsentEvent, Profile, Service, Subscription
from audiences.subscriptions import figures, messages
from audiences.subscriptions.reports import PERIODS, Period, ServiceReport, Steps
from audiences.wording import page_texts
from audiences.wording.markdown import to_html, to_text

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


# ------------------------------------------------------------------ the report
@page(Service, "report", "view", title=gettext_lazy("Report"))
def report(admin: PlainAdmin, request: HttpRequest, service: Service) -> Answer:
    """The evolution over time, as a chart and as a table, and by source."""
    by = request.GET.get("by", "day")
    by = by if by in PERIODS else "day"
    source = request.GET.get("source", "")
    sources = dict(ConsentEvent.Source.choices)
    source = source if source in sources else ""
    found = figures.report(service, by=by, source=source)
    return {
        "service": service,
        "by": by,
        "source": source,
        "source_label": sources.get(source, ""),
        "periods_choices": _BY.items(),
        "as_of": found.at,
        "is_counted": found.report is not None,
        "reasons": wishes.counted(service.pk),
    } | (_shown(found.report, by) if found.report else {})


def _shown(found: ServiceReport, by: str) -> Facts:
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
    return [*(grouped(getattr(row, name)) for name in names), signed(row.net)]


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


def _chart(periods: list[Period], by: str) -> Evolution:
    labels = [_label(period, by) for period in periods]
    came = [period.subscribed for period in periods]
    left = [period.unsubscribed + period.expired for period in periods]
    numbers = zip(labels, came, left, strict=True)
    titles = [f"{label}: +{up} {MINUS}{down}" for label, up, down in numbers]
    return Evolution(labels, came, left, titles)


# ------------------------------------------------------------------ the messages
@page(Service, "preview", "view", title=gettext_lazy("Preview of the messages"))
def preview(admin: PlainAdmin, request: HttpRequest, service: Service) -> Answer:
    """The messages as a person gets them: as they are kept, or as they are typed."""
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
    return {
        "service": service,
        "errors": errors,
        "is_typed": request.method == "POST",
        "ways": [_way(service, way) for way in WAYS],
    }


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
