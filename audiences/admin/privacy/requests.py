"""Privacy requests: the queue with the dates on which the law wants an answer."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences import roles
from audiences.console.lists import LogWithPages, profile_link
from audiences.console.masking import shown_text
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.models import PrivacyRequest, Profile
from audiences.privacy import requests
from audiences.records import console_log
from audiences.refusals import Refused, Sentence

from .forms import DecideForm

State = PrivacyRequest.State


class Waiting(admin.SimpleListFilter):
    """Open requests, unless others are asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [*State.choices[1:], ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        for number, choice in enumerate(super().choices(changelist)):
            first = {**choice, "display": State.OPEN.label}
            yield first if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value() or State.OPEN
        return queryset if wanted == "all" else queryset.filter(state=wanted)


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(LogWithPages):
    """What is due first comes first."""

    page_template = "admin/audiences/privacyrequest/page.html"
    list_display = ("kind", "person", "received_at", "due", "state", "by")
    list_filter = (Waiting, "kind")
    search_fields = ("profile_id",)
    search_help_text = _("The number of a profile.")
    ordering = ("due_on", "id")

    @admin.display(description=_("profile"))
    def person(self, row: PrivacyRequest) -> str:
        return f"#{row.profile_id}"

    @admin.display(description=_("to be answered by"))
    def due(self, row: PrivacyRequest) -> str | SafeString:
        day = date_format(row.due_on, "SHORT_DATE_FORMAT")
        if row.is_open and row.due_on < timezone.localdate():
            return format_html('<span class="mark bad">{}</span>', day)
        return day

    @admin.display(description=_("came by"))
    def by(self, row: PrivacyRequest) -> str:
        return row.recorded_by or gettext("the page")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip().removeprefix("#")
        if not text:
            return queryset, False
        is_number = text.isascii() and text.isdigit() and len(text) < 19
        return queryset.filter(profile_id=int(text) if is_number else -1), False

    def beside(self, request: HttpRequest, row: PrivacyRequest) -> Facts:
        profile = Profile.objects.filter(pk=row.profile_id).first()
        return {
            "title": str(row),
            "row": None,
            "asked": row,
            "person": profile_link(row.profile_id, profile),
            "profile": profile,
            "text": shown_text(request, row.text),
            "note": shown_text(request, row.note),
            "is_overdue": row.is_open and row.due_on < timezone.localdate(),
            "answer": requests.answer_of(row),
            "has_address": requests.has_address(row),
            "may_answer": request.user.has_perm(roles.ANSWER),
            "may_lift": row.kind == PrivacyRequest.Kind.RESTRICTION
            and row.state == State.GRANTED,
            "form": DecideForm(),
        }


@page(PrivacyRequest, "decide", "view", roles.ANSWER, method="POST")
def decide(own: PlainAdmin, request: HttpRequest, asked: PrivacyRequest) -> Answer:
    """Grant, refuse or lift, by the button that was pressed."""
    form, actor = DecideForm(request.POST), request.user.get_username()
    act = request.POST.get("act", "")
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors.get("note", []))))
        return own.go_back(asked)
    note = form.cleaned_data["note"]
    try:
        if act == "lift":
            requests.lift(asked, actor=actor, note=note)
        else:
            requests.decide(asked, is_granted=act == "grant", actor=actor, note=note)
    except Refused as error:
        messages.error(request, str(error))
    else:
        state = Sentence.of(State(asked.state).label)
        own.log_change(
            request,
            asked,
            console_log.kept(gettext_noop("It is now: {state}."), state=state),
        )
        messages.success(request, gettext("It is decided, and the answer leaves."))
    return own.go_back(asked)
