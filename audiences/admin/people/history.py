"""The consent history in the admin: who changed what, when and why; read-only."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from audiences.console import masking
from audiences.console.lists import OfProfiles, ReadOnlyLog, profile_link
from audiences.models import ConsentEvent, ConsentEvidence


def evidence_of(event: ConsentEvent, name: str) -> str:
    return str(getattr(getattr(event, "evidence", None), name, "") or "")


def _of_evidence(name: str, label: StrOrPromise) -> Callable[..., str]:
    @admin.display(description=label)
    def shown(own: Any, event: ConsentEvent) -> str:
        return evidence_of(event, name)

    return shown


class WordingFilter(admin.SimpleListFilter):
    """The consent given on one version of a page, whose own page leads here."""

    title = _("wording version")
    parameter_name = "wording_version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Only the one that is asked for: there may be hundreds."""
        return [(chosen, chosen)] if (chosen := self.value()) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(wording_version=value) if value else queryset


@admin.register(ConsentEvent)
class ConsentEventAdmin(OfProfiles, ReadOnlyLog):
    list_display = ("at", "person", "kind", "about", "source", "actor", "note")
    list_filter = ("kind", "source", "channel", "service", WordingFilter)
    list_select_related = ("service", "evidence")
    fields = (
        *("at", "person", "kind", "about", "source", "actor", "note", "ip"),
        *("user_agent", "wording_version", "delivery_id"),
    )
    readonly_fields = ("person", "about", "actor", "note", "ip", "user_agent")

    def get_list_display(self, request: HttpRequest) -> Any:
        return masking.replaced(super().get_list_display(request), _notes(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The device is personal: it is shown to those who may see the evidence."""
        may_see = request.user.has_perm("audiences.view_consentevidence")
        device = ("ip", "user_agent")
        names = [name for name in self.fields if may_see or name not in device]
        return masking.replaced(names, _notes(request))

    @admin.display(description=_("channel or service"))
    def about(self, event: ConsentEvent) -> str:
        return subject(event)

    actor = _of_evidence("actor", _("who"))
    note = _of_evidence("note", _("note"))
    ip = _of_evidence("ip", _("IP address"))
    user_agent = _of_evidence("user_agent", _("browser"))


def _notes(request: HttpRequest) -> dict[str, masking.Column]:
    """The note as this operator may read it: there may be an address in it."""

    @admin.display(description=_("note"))
    def note(event: ConsentEvent) -> str:
        return masking.shown_text(request, evidence_of(event, "note"))

    return {"note": note}


def subject(event: ConsentEvent) -> str:
    """What the event is about: a channel, any channel, or a service."""
    if event.channel:
        return str(event.get_channel_display())
    return str(getattr(event, "service", None) or f"#{event.service_id}")


@admin.register(ConsentEvidence)
class ConsentEvidenceAdmin(OfProfiles, ReadOnlyLog):
    """The proof of each event. It is shown with the events, so no menu lists it."""

    list_display = ("event", "person", "actor", "note", "ip")
    list_select_related = ("event__service",)
    fields = ("event", "person", "actor", "note", "ip", "user_agent")
    readonly_fields = ("person",)
    profile_path = "event__profile_id"
    ordering = ("-event_id",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConsentEvidence]:
        rows = super(OfProfiles, self).get_queryset(request)
        return rows.prefetch_related("event__profile")

    @admin.display(description=_("profile"))
    def person(self, row: ConsentEvidence) -> str | SafeString:
        event = row.event
        return profile_link(event.profile_id, getattr(event, "profile", None))
