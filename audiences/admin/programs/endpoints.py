"""Endpoints in the console: what each is told, what it answered, and once more."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop

from audiences import endpoints
from audiences.console.dashboard import Figures, Notice, attention
from audiences.console.lists import LogWithPages
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.endpoints import words
from audiences.feed import Event
from audiences.models import Endpoint, EndpointCall
from audiences.refusals import Refused, Sentence

VIEW, CHANGE = "audiences.view_endpoint", "audiences.change_endpoint"
SHOWN = 50


@admin.register(Endpoint)
class EndpointAdmin(LogWithPages):
    """Each with a page of what it was told."""

    page_template = "admin/audiences/endpoint/page.html"
    list_display = ("url", "state", "failing_since", "why")
    list_filter = ("state",)

    @admin.display(description=gettext_lazy("why"))
    def why(self, row: Endpoint) -> str:
        return words.translated(row.reason)

    def beside(self, request: HttpRequest, row: Endpoint) -> Facts:
        calls = EndpointCall.objects.filter(endpoint=row).order_by("-pk")
        chosen = request.GET.get("state", "")
        if chosen in EndpointCall.State.values:
            calls = calls.filter(state=chosen)
        labels = dict(Event.choices)
        return {
            "title": row.url,
            "endpoint": row,
            "why": words.translated(row.reason),
            "events": [labels.get(name, name) for name in row.events],
            "calls": [
                (
                    call,
                    labels.get(call.name, call.name),
                    words.translated(call.answer),
                )
                for call in calls[:SHOWN]
            ],
            "states": EndpointCall.State.choices,
            "chosen": chosen,
            "may_change": request.user.has_perm(CHANGE),
        }


class EndpointForm(forms.Form):
    """Where a program is, and what it is told."""

    url = forms.CharField(
        label=gettext_lazy("Web address"),
        max_length=500,
        widget=forms.URLInput(attrs={"class": "vTextField"}),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=Event.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    with_addresses = forms.BooleanField(
        label=gettext_lazy("With addresses"),
        required=False,
        help_text=gettext_lazy("It is told the primary addresses of the person too."),
    )


@page(
    Endpoint,
    "make",
    "audiences.add_endpoint",
    route="make/",
    title=gettext_lazy("Make an endpoint"),
)
def make(own: PlainAdmin, request: HttpRequest) -> Answer:
    """An endpoint, and its secret on the page that answers: it is not shown again."""
    form = EndpointForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return {"form": form}
    given: dict[str, Any] = form.cleaned_data
    try:
        shown = endpoints.create(
            given["url"],
            given["events"],
            actor=request.user.get_username(),
            with_addresses=given["with_addresses"],
        )
    except Refused as error:
        form.add_error("url", str(error))
        return {"form": form}
    own.log_addition(request, shown.endpoint, gettext_noop("Made."))
    return {"shown": shown, "endpoint": shown.endpoint}


@page(Endpoint, "rotate", "view", CHANGE, method="POST")
def rotate(own: PlainAdmin, request: HttpRequest, row: Endpoint) -> Answer:
    """A new secret; for a day both sign."""
    shown = endpoints.rotate(row)
    own.log_change(request, row, gettext_noop("A new secret."))
    facts = {"title": _("A new secret"), "shown": shown, "endpoint": row, "row": row}
    return own.respond(request, "admin/audiences/endpoint/make.html", **facts)


@page(Endpoint, "switch", "view", CHANGE, method="POST")
def switch(own: PlainAdmin, request: HttpRequest, row: Endpoint) -> Answer:
    """Disable it, or tell it again from where it was."""
    is_on = row.state == Endpoint.State.DISABLED
    endpoints.enable(row, enabled=is_on)
    told, silent = (
        gettext_noop("It is told again."),
        gettext_noop("It is told nothing more."),
    )
    return own.say_done(request, row, Sentence(told if is_on else silent))


@page(Endpoint, "send_again", "view", CHANGE, method="POST")
def send_again(own: PlainAdmin, request: HttpRequest, row: Endpoint) -> Answer:
    """Call once more about one change."""
    number = request.POST.get("call", "")
    wanted = int(number) if number.isascii() and number.isdigit() else 0
    call = get_object_or_404(EndpointCall, endpoint=row, pk=min(wanted, 2**63 - 1))
    endpoints.send_again(call)
    if row.state == Endpoint.State.DISABLED:
        messages.info(request, _("It is sent again once the endpoint is enabled."))
    else:
        messages.success(request, _("It is sent again within some seconds."))
    return own.go_back(row)


@attention(VIEW)
def disabled_endpoints(request: HttpRequest, figures: Figures) -> list[Notice]:
    """Programs that are not told any more, or that take nothing at present."""
    found = []
    for row in Endpoint.objects.exclude(reason="")[:5]:
        text = (
            _("{url} is not told any more: {reason}")
            if row.state == Endpoint.State.DISABLED
            else _("{url} takes nothing at present: {reason}")
        )
        url = reverse("admin:audiences_endpoint_change", args=[row.pk])
        found.append(
            Notice(text.format(url=row.url, reason=words.translated(row.reason)), url)
        )
    return found
