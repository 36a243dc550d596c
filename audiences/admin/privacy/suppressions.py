"""Suppressed addresses, for the data protection officer.

Nobody can read the list: an address is looked up, and the answer is yes or no. It is
asked by POST, so that no log of the web server has it.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _, gettext_lazy

from audiences import addresses, suppression
from audiences.channels import ANY, Channel
from audiences.console.lists import ReadOnlyLog
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import Suppression
from audiences.refusals import Refused
from audiences.roles import LIFT_SUPPRESSION
from audiences.suppression import Entry, Lift, Reason
from audiences.suppression.keys import siblings
from audiences.suppression.writing import suppress_by_hand

LOOK, LIFT, SUPPRESS = "look", "lift", "suppress"


class StateFilter(admin.SimpleListFilter):
    """What holds now, unless what was lifted is asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("lifted", gettext_lazy("Lifted"))]

    def choices(self, changelist: Any) -> Any:
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": _("Holds")} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(lifted_at__isnull=self.value() != "lifted")


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyLog):
    list_display = ("since", "channel", "reason", "actor", "lifted_at", "lifted_by")
    list_filter = (StateFilter, "channel", "reason")
    fields = (
        *("since", "channel", "reason", "actor", "note", "key_id"),
        *("lifted_at", "lifted_by", "lift_actor", "lift_note"),
    )


class LookUpForm(forms.Form):
    """An address to look up."""

    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=Channel.choices)
    address = forms.CharField(
        label=gettext_lazy("Address"),
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "vTextField"}),
    )

    def clean(self) -> dict[str, Any]:
        """Adds the `key` by which addresses are compared."""
        given: dict[str, Any] = super().clean() or {}
        if {"channel", "address"} <= given.keys():
            try:
                given["key"] = addresses.normalise(
                    given["channel"], given["address"]
                ).key
            except addresses.InvalidAddress as error:
                self.add_error("address", str(error))
        return given


@page(
    Suppression,
    "look_up",
    "view",
    LIFT_SUPPRESSION,
    route="look-up/",
    title=gettext_lazy("Look up an address"),
)
def look_up(own: PlainAdmin, request: HttpRequest) -> Answer:
    """Whether an address is suppressed; with a note it is lifted, or suppressed."""
    form = LookUpForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return {"form": form, "is_asked": False}
    channel, key = form.cleaned_data["channel"], form.cleaned_data["key"]
    note, act = request.POST.get("note", "").strip(), request.POST.get("act", LOOK)
    problem = ""
    if act in (LIFT, SUPPRESS):
        try:
            said = _ACTS[act](request, channel, key, note)
        except Refused as error:
            problem = str(error)
        else:
            messages.success(request, said)
            return redirect("admin:audiences_suppression_look_up")
    rows = suppression.rows_about(channel, key)
    is_number = len(siblings(channel)) > 1
    return {
        "form": form,
        "is_asked": True,
        "rows": rows,
        "note": note,
        "problem": problem,
        "is_number": is_number,
    }


def _lift(request: HttpRequest, channel: str, key: str, note: str) -> str:
    actor = request.user.get_username()
    lifted = suppression.lift(channel, key, Lift.OFFICER, actor=actor, note=note)
    if not lifted:
        return _("The address is not suppressed any more.")
    return _("It is lifted. The address can be written to again on this channel.")


def _suppress(request: HttpRequest, channel: str, key: str, note: str) -> str:
    scope = ANY if request.POST.get("any") else channel
    entry = Entry(channel, key, scope, Reason.BY_HAND)
    actor = request.user.get_username()
    if suppress_by_hand(entry, actor=actor, note=note):
        return _("The address is suppressed.")
    return _("The address was suppressed already.")


_ACTS = {LIFT: _lift, SUPPRESS: _suppress}
