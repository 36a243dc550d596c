"""Profiles in the admin: find a person, opt in or out, see why and when (P4, P5)."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from audiences import consent, profiles, roles, subscriptions
from audiences.channels import FLAGS, Scope
from audiences.forms import FACTS, ProfileForm
from audiences.models import Address, AddressStatus, Profile, Service, Subscription

from . import masking, profile_pages, profile_panels
from .lists import BigList

Lookups = list[tuple[str, Any]]


class OptedOutFilter(admin.SimpleListFilter):
    """Profiles with the flag of a channel, or of any; or with none at all."""

    title = _("no longer contact")
    parameter_name = "opted_out"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [*Scope.choices, ("none", _("On no denylist"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Profile]
    ) -> QuerySet[Profile]:
        value = self.value()
        if value == "none":
            return queryset.filter(**dict.fromkeys(FLAGS.values(), False))
        if value in Scope.values:
            return queryset.filter(**{FLAGS[Scope(value)]: True})
        return queryset


class QuarantinedFilter(admin.SimpleListFilter):
    """Profiles with an address that has a status in quarantine."""

    title = _("status of an address")
    parameter_name = "address_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [c for c in AddressStatus.choices if c[0] != AddressStatus.VALID]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Profile]
    ) -> QuerySet[Profile]:
        if self.value() not in AddressStatus.values:
            return queryset
        marked = Address.objects.filter(quarantine_status=self.value())
        return queryset.filter(pk__in=marked.values("profile_id"))


class SubscribedFilter(admin.SimpleListFilter):
    """Profiles with an active subscription to a service."""

    title = _("subscribed to")
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(s.slug, s.label) for s in Service.objects.all()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Profile]
    ) -> QuerySet[Profile]:
        if not self.value():
            return queryset
        active = Subscription.objects.filter(
            subscriptions.active(timezone.now()), service__slug=self.value()
        )
        return queryset.filter(pk__in=active.values("profile_id"))


@admin.register(Profile)
class ProfileAdmin(BigList):
    """The form writes names itself and flags through `audiences.consent`."""

    form = ProfileForm
    change_form_template = "admin/audiences/profile/change_form.html"
    list_display = (
        *("name", "external_id", "main_email", "denylist"),
        *("language", "created"),
    )
    list_filter = (OptedOutFilter, QuarantinedFilter, SubscribedFilter)
    search_fields = ("last_name", "first_name", "external_id")
    search_help_text = _(
        "The beginning of a name, a profile id, an external id, or an address in any "
        "notation."
    )
    readonly_fields = ("created_at",)

    def get_fieldsets(self, request: HttpRequest, obj: Profile | None = None) -> Any:
        may_write = (
            self.has_change_permission(request, obj)
            if obj
            else self.has_add_permission(request)
        )
        flags = [flag for flag in FLAGS.values() if flag != FLAGS[Scope.ANY]]
        section = (FLAGS[Scope.ANY], tuple(flags), *(("note",) if may_write else ()))
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

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only `audiences.profiles.erase` deletes a profile."""
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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        matching = Q(pk__in=profiles.find_ids([text])[text])
        for by_name in _name_readings(text):
            matching |= by_name
        return queryset.filter(matching), False

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
        origin = profile_pages.operator(request, form.cleaned_data["note"])
        for scope in form.opted_out:
            consent.opt_out(obj, scope, origin)
        warnings = {consent.opt_in(obj, s, origin).warning for s in form.opted_in}
        for warning in filter(None, warnings):
            messages.warning(request, warning)

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view(self)),
                name=f"audiences_profile_{name.replace('/', '_')}",
            )
            for name, view in profile_pages.PAGES.items()
        ] + super().get_urls()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        profile = self.get_object(request, object_id)
        context = extra_context or {}
        if profile:
            may_change = self.has_change_permission(request, profile)
            context |= profile_panels.context(request, profile, may_change=may_change)
        return super().change_view(request, object_id, form_url, context)


def _name_readings(text: str) -> Iterator[Q]:
    """A text as the beginning of a last name, a first name, or of both in a row.

    Names have no digits and no @: such a text is an id or an address.
    """
    if "@" in text or any(character.isdigit() for character in text):
        return
    last, comma, first = (part.strip() for part in text.partition(","))
    if comma and first:
        yield Q(last_name__istartswith=last, first_name__istartswith=first)
        return
    text = last or text
    yield Q(last_name__istartswith=text)
    yield Q(first_name__istartswith=text)
    words = text.split()
    for position in range(1, len(words)):
        yield Q(
            first_name__istartswith=" ".join(words[:position]),
            last_name__istartswith=" ".join(words[position:]),
        )
