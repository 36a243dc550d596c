"""Profiles in the admin: find a person, opt in or out, see why and when (P4, P5)."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audiences import consent, roles
from audiences.admin.people import bulk_acts
from audiences.admin.people.imports import may_import
from audiences.channels import FLAGS, Scope
from audiences.console import masking
from audiences.console.downloads import may_export
from audiences.console.lists import BigList, OfAddresses, ReadOnlyLog, profile_link
from audiences.console.pages import Facts
from audiences.models import Address, Profile
from audiences.selections import filters as selection_filters

from . import filters, pages, panels, timeline
from .profile_forms import FACTS, ProfileForm


@admin.register(Profile)
class ProfileAdmin(BigList):
    """The form writes names itself and flags through `audiences.consent`."""

    form = ProfileForm
    change_form_template = "admin/audiences/profile/change_form.html"
    list_display = (
        *("name", "external_id", "main_email", "denylist"),
        *("language", "created"),
    )
    change_list_template = "admin/audiences/profile/change_list.html"
    list_filter = filters.FILTERS
    search_fields = ("last_name", "first_name", "external_id")
    search_help_text = _(
        "A name or the beginning of one, a profile id, an external id, or an address "
        "in any notation."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Profile | None = None) -> Any:
        flags = [flag for flag in FLAGS.values() if flag != FLAGS[Scope.ANY]]
        written = ("note", "seen_event") if self.may_save(request, obj) else ()
        section = (FLAGS[Scope.ANY], tuple(flags), *written)
        facts = (*FACTS, "created_at") if obj else FACTS
        return (
            (None, {"fields": facts}),
            (
                _("No longer contact (on denylist)"),
                {
                    "fields": section,
                    "classes": ("denylist",),
                    "description": _(
                        "A ticked channel is closed: nothing is sent to any address "
                        "of this profile there. The boxes are independent."
                    ),
                },
            ),
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who opts people in or out writes that, where the rest is only read."""
        may_write = roles.OPT_OUT, roles.OPT_IN
        return super().has_change_permission(request, obj) or (
            self.has_view_permission(request, obj)
            and any(request.user.has_perm(name) for name in may_write)
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Said without asking who may change, which asks this."""
        codes = "audiences.view_profile", pages.CHANGE
        return any(request.user.has_perm(name) for name in codes)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Profile | None = None
    ) -> tuple[str, ...]:
        if obj is None or request.user.has_perm(pages.CHANGE):
            return ("created_at",)
        return (*FACTS, "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only `audiences.privacy.erase` deletes a profile."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Profile]:
        return super().get_queryset(request).prefetch_related("addresses")

    # ------------------------------------------------------------------ the list
    @admin.display(description=_("name"), ordering="last_name")
    def name(self, profile: Profile) -> str:
        return str(profile)

    @admin.display(description=_("email"))
    def main_email(self, profile: Profile) -> str:
        own = profile.addresses.all()
        primaries = [a.value for a in own if a.is_primary and a.channel == Scope.EMAIL]
        return primaries[0] if primaries else ""

    def get_list_display(self, request: HttpRequest) -> Any:
        @admin.display(description=_("email"))
        def main_email(profile: Profile) -> str:
            return masking.shown(request, Scope.EMAIL, self.main_email(profile))

        names = super().get_list_display(request)
        return masking.replaced(names, {"main_email": main_email})

    def get_form(
        self,
        request: HttpRequest,
        obj: Profile | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.may_opt_out = request.user.has_perm(roles.OPT_OUT)  # type: ignore[attr-defined]
        form.may_opt_in = request.user.has_perm(roles.OPT_IN)  # type: ignore[attr-defined]
        return form

    @admin.display(description=_("created"))
    def created(self, profile: Profile) -> str:
        return date_format(timezone.localtime(profile.created_at), "SHORT_DATE_FORMAT")

    @admin.display(description=_("no longer contact"))
    def denylist(self, profile: Profile) -> str:
        scopes = [s for s, flag in FLAGS.items() if getattr(profile, flag)]
        return ", ".join(str(scope.label) for scope in scopes)

    def meant_by(self, text: str) -> Q:
        return selection_filters.search(text)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The changes that can be made for many; each leads to a page that asks."""
        return bulk_acts.list_actions(request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        query = urlencode(selection_filters.read(request.GET))
        context = (extra_context or {}) | {
            "query": query,
            "may_change_many": bool(bulk_acts.allowed_acts(request)),
            "may_export": may_export(request),
            "may_import": may_import(request),
        }
        return super().changelist_view(request, context)

    # ------------------------------------------------------------------ writing
    def save_model(
        self, request: HttpRequest, obj: Profile, form: Any, change: bool
    ) -> None:
        if change:
            if form.changed_facts:
                obj.save(update_fields=form.changed_facts)
        else:
            for flag in FLAGS.values():
                setattr(obj, flag, False)
            obj.save()
        origin = pages.operator(request, form.cleaned_data["note"])
        if form.meanwhile:
            text = _("Somebody else changed meanwhile, and it stays so: {what}.")
            messages.info(request, text.format(what=", ".join(form.meanwhile)))
        for scope in form.opted_out:
            consent.opt_out(obj, scope, origin)
        warnings = {consent.opt_in(obj, s, origin).warning for s in form.opted_in}
        for warning in filter(None, warnings):
            messages.warning(request, warning)

    def beside(self, request: HttpRequest, row: Profile) -> Facts:
        may_change = request.user.has_perm(pages.CHANGE)
        facts = panels.context(request, row, may_change=may_change)
        return facts | {"timeline": timeline.of(request, row)}


@admin.register(Address)
class AddressAdmin(OfAddresses, ReadOnlyLog):
    addresses_in = ("value", "key")
    list_display = (
        "value",
        "channel",
        "person",
        "is_primary",
        "is_valid",
        "quarantine_status",
        "is_suppressed",
    )
    list_filter = ("channel", "quarantine_status", "is_valid", "is_primary")
    fields = ("person", "channel", "value", "key", "is_primary", "is_valid")
    readonly_fields = ("person",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Address]:
        return super().get_queryset(request).select_related("profile")

    @admin.display(description=_("profile"))
    def person(self, address: Address) -> str | SafeString:
        return profile_link(address.profile_id, address.profile)
