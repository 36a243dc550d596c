"""Services and their subscriptions in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _

from audiences.admin.services import pages as service_pages
from audiences.admin.services.forms import ServiceForm
from audiences.console.lists import OfProfiles, ReadOnlyLog
from audiences.console.numbers import grouped
from audiences.console.pages import PlainAdmin
from audiences.imports.kinds import kinds
from audiences.models import ConsentEvent, Service, Subscription
from audiences.subscriptions import figures
from audiences.subscriptions.figures import Counted

from . import forms

PAGE = ["audiences.add_landingpage"]
IMPORT = kinds["subscriptions"].permissions


@admin.register(Service)
class ServiceAdmin(PlainAdmin):
    """Commands and pages name a service by its slug, so that stays as it was made."""

    form = ServiceForm
    change_form_template = "admin/audiences/service/change_form.html"
    list_display = ("label", "channel", "state", "active", "pending", "report")
    list_filter = ("channel", "double_opt_in", "is_closed")
    search_fields = ("label", "slug")
    actions = None

    def get_fieldsets(self, request: HttpRequest, obj: Service | None = None) -> Any:
        facts = (
            "label",
            "slug",
            "channel",
            *(("subscribers", "created_at") if obj else ()),
        )
        rules = (
            *("double_opt_in", "validity_days", "is_closed", "on_preference_page"),
            *("subscription_page", "unsubscription_page"),
        )
        kinds = tuple(f"{way}_message" for way in Service.WAYS)
        found: list[Any] = [
            (None, {"fields": facts}),
            (_("Subscribing"), {"fields": rules}),
            (_("Messages"), {"fields": kinds}),
        ]
        if not self.may_save(request, obj):
            return found
        names = [name for row in forms.text_fields() for name in row]
        read = {
            "fields": names,
            "description": _(
                "What people read in each language; an empty name is the label."
            ),
        }
        found.insert(2, (_("What people read"), read))
        return [*found, *map(_message_fieldset, Service.WAYS)]

    def next_steps(self, request: HttpRequest, row: Service) -> list[tuple[str, str]]:
        """People subscribe on a page, or come by a file."""
        ways = [
            (gettext("Make a page where people subscribe"), "landingpage_add", PAGE),
            (gettext("Import subscriptions"), "importrun_subscriptions", IMPORT),
        ]
        return [
            (label, reverse(f"admin:audiences_{name}"))
            for label, name, needed in ways
            if request.user.has_perms(needed)
        ]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Service | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        fixed = ("slug", "subscribers", "created_at")
        return (*fixed, "channel") if _is_used(obj) else fixed

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A service that the consent history names is kept."""
        unused = obj is None or not _is_used(obj)
        return unused and super().has_delete_permission(request, obj)

    # ------------------------------------------------------------------ columns
    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the counts of all services of the page, in a few queries."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        found = figures.counts([row.pk for row in rows])
        for row in rows:
            row.counts = found[row.pk]
        changelist.result_list = rows
        return changelist

    @admin.display(description=_("state"))
    def state(self, service: Service) -> SafeString:
        marks = [gettext("closed")] if service.is_closed else [gettext("open")]
        if service.double_opt_in:
            marks.append(gettext("double opt-in"))
        return format_html("{}", " · ".join(marks))

    @admin.display(description=_("active"))
    def active(self, service: Any) -> str | SafeString:
        return _shown(service.counts, "active")

    @admin.display(description=_("pending"))
    def pending(self, service: Any) -> str | SafeString:
        return _shown(service.counts, "pending")

    @admin.display(description=_("evolution"))
    def report(self, service: Service) -> SafeString:
        url = reverse("admin:audiences_service_report", args=[service.pk])
        return format_html('<a href="{}">{}</a>', url, gettext("Report"))

    @admin.display(description=_("active subscribers"))
    def subscribers(self, service: Service) -> str | SafeString:
        counted = figures.counts([service.pk])[service.pk]
        url = reverse("admin:audiences_subscription_changelist")
        return format_html(
            '{} · <a href="{}?service__id__exact={}">{}</a>',
            _shown(counted, "active"),
            url,
            service.pk,
            gettext("all subscriptions"),
        )


def _shown(counted: Counted, status: str) -> str | SafeString:
    """A number, and since when it stands when it was not counted just now."""
    if counted.statuses is None:
        return gettext("Not counted yet")
    number = grouped(counted.statuses[status])
    if counted.at is None:
        return number
    at = date_format(timezone.localtime(counted.at), "SHORT_DATETIME_FORMAT")
    return format_html(
        '{} <span class="quiet">{}</span>', number, gettext("as of %(at)s") % {"at": at}
    )


def _message_fieldset(way: str) -> tuple[Any, dict[str, Any]]:
    return (
        _("Own text: {message}").format(message=service_pages.WAYS[way]),
        {
            "fields": forms.message_fields(way),
            "classes": ["collapse"],
            "description": gettext(
                "Markdown. Used where “A text of its own” is chosen above. "
                "Places: {places}"
            ).format(places=forms.places_of(way)),
        },
    )


def _is_used(service: Service) -> bool:
    """In the order of an index: else a table may be read for the first one."""
    held = Subscription.objects.filter(service=service).order_by("profile_id")
    events = ConsentEvent.objects.filter(service=service).order_by("id")
    return any(rows.values_list("pk")[:1] for rows in (held, events))


@admin.register(Subscription)
class SubscriptionAdmin(OfProfiles, ReadOnlyLog):
    list_display = ("person", "service", "state", "changed_at", "expires_at")
    # The first column is a link already, to the person.
    list_display_links = ("state",)
    list_filter = ("status", "service")
    list_select_related = ("profile", "service")
    fields = ("person", "service", "state", "changed_at", "expires_at")
    readonly_fields = ("person", "state")
    ordering = ("-id",)

    @admin.display(description=_("status"), ordering="status")
    def state(self, held: Subscription) -> str:
        """What it is now, whether its end is written down yet or not."""
        return held.present_label

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return super(OfProfiles, self).get_queryset(request)
