"""Who did what in the last days, with links; and the summary by mail each morning."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.timezone import is_aware
from django.utils.translation import get_language, gettext as _, gettext_lazy, ngettext

from audiences.api_keys import accounts
from audiences.console import exact
from audiences.console.masking import shown_text
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.models import BulkAct, ErasureRun, Profile
from audiences.records import activity, console_log, summaries
from audiences.refusals import Refused
from audiences.selections import acts

from .bulk_acts import service_labels

ON_A_PAGE = 50
ALL = "admin.view_logentry"
KINDS = {
    activity.PEOPLE: gettext_lazy("People"),
    activity.BULK: gettext_lazy("Changes of many"),
    activity.IMPORTS: gettext_lazy("Imports"),
    activity.ERASURES: gettext_lazy("Erasures of many"),
    activity.OTHERS: gettext_lazy("Everything else"),
}


class SummaryForm(forms.Form):
    """From which hour on."""

    hour = forms.TypedChoiceField(
        label=gettext_lazy("From"),
        coerce=int,
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        initial=7,
    )


def _asked(request: HttpRequest) -> activity.Asked:
    """What the address asks for; whoever may not see others' acts sees their own."""
    given = request.GET
    days = int(given["days"]) if given.get("days", "").isdecimal() else 7
    before = parse_datetime(given["before"]) if given.get("before") else None
    own = request.user.get_username()
    return activity.Asked(
        actor=given.get("who", "") if request.user.has_perm(ALL) else own,
        kind=given.get("kind", "") if given.get("kind", "") in KINDS else "",
        days=days if days in activity.PERIODS else 7,
        before=before if before and is_aware(before) else None,
    )


@page(
    Profile,
    "activity",
    "view",
    route="activity/",
    title=gettext_lazy("Activity"),
)
def show(own: PlainAdmin, request: HttpRequest) -> Answer:
    """What was done, newest first, by whom, of a kind, in a period."""
    exact.only(request, "who", "kind", "days", "before")
    asked = _asked(request)
    found = activity.acts(asked, ON_A_PAGE)
    labels = service_labels()
    chosen = {"who": asked.actor, "kind": asked.kind, "days": asked.days}
    older = ""
    if len(found) > ON_A_PAGE:
        older = urlencode({**chosen, "before": found[ON_A_PAGE - 1].at.isoformat()})
    return {
        "acts": [_line(request, act, labels) for act in found[:ON_A_PAGE]],
        "older": older,
        "asked": asked,
        "kinds": KINDS.items(),
        "periods": activity.PERIODS,
        "who": _operators(request),
        "summary": summaries.of(request.user),
        "form": SummaryForm(),
        "email": getattr(request.user, "email", ""),
    }


def _operators(request: HttpRequest) -> list[str]:
    if not request.user.has_perm(ALL):
        return []
    staff = get_user_model()._default_manager.filter(is_staff=True)
    names = staff.order_by("username").values_list("username", flat=True)
    keys = accounts.every().order_by("username").values_list("username", flat=True)
    return [*names[:500], *keys[:500]]


def _line(request: HttpRequest, act: activity.Act, labels: dict[str, str]) -> Facts:
    """An act in words, with the page of what it was about."""
    row, url, about = act.row, "", ""
    if act.kind in (activity.PEOPLE, activity.OTHERS):
        what = console_log.in_words(row)
        about = shown_text(request, row.object_repr)
        if act.kind == activity.OTHERS and row.content_type:
            about = f"{capfirst(row.content_type.name)}: {about}"
        target = None if row.is_deletion() else row.get_admin_url()
        url = target if target and _may_open(request, row) else ""
    elif act.kind == activity.BULK:
        what, about = acts.in_words(row, labels), _how_far(row, row.changed)
        url = reverse("admin:audiences_bulkact_change", args=[row.pk])
    elif act.kind == activity.IMPORTS:
        what = _("Import")
        about = shown_text(request, row.file_name)
        if row.state != row.State.DONE:
            about = f"{about} · {row.get_state_display()}"
        url = reverse("admin:audiences_importrun_change", args=[row.pk])
    else:
        what, about = _("Erasure of many"), _how_far(row, row.erased or len(row.people))
        url = reverse("admin:audiences_erasurerun_change", args=[row.pk])
    return {
        "at": act.at,
        "actor": act.actor,
        "kind": KINDS[act.kind],
        "what": shown_text(request, str(what)),
        "about": about or str(what),
        "url": url,
    }


def _how_far(act: BulkAct | ErasureRun, count: int) -> str:
    """How many people an act has reached, and its state where it is not done."""
    text = ngettext("{count} person", "{count} people", count)
    text = text.format(count=grouped(count))
    is_done = act.state == act.State.DONE
    return text if is_done else f"{text} · {act.get_state_display()}"


def _may_open(request: HttpRequest, row: Any) -> bool:
    kind = row.content_type
    return kind is not None and any(
        request.user.has_perm(f"{kind.app_label}.{verb}_{kind.model}")
        for verb in ("view", "change")
    )


@page(Profile, "summary", "view", route="activity/summary/", method="POST")
def summary(own: PlainAdmin, request: HttpRequest) -> Answer:
    """Switch the mail on, for an hour; or off, by one click."""
    if request.POST.get("act") == "off":
        summaries.switch_off(request.user)
        messages.success(request, _("The morning summary is switched off."))
        return redirect("admin:audiences_profile_activity")
    form = SummaryForm(request.POST)
    if form.is_valid():
        hour = form.cleaned_data["hour"]
        try:
            summaries.choose(request.user, hour, get_language() or "en")
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            text = _("You get a summary by mail each morning, from {hour}:00 on.")
            messages.success(request, text.format(hour=f"{hour:02}"))
    return redirect("admin:audiences_profile_activity")
