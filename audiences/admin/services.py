"""Services and their subscriptions in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audiences import subscriptions
from audiences.models import ConsentEvent, Service, Subscription

from .lists import OfProfiles, PlainAdmin, ReadOnlyLog, grouped


@admin.register(Service)
class ServiceAdmin(PlainAdmin):
    """Commands and pages name a service by its slug, so that stays as it was made."""

    list_display = ("label", "slug", "channel", "validity_days", "created_at")
    list_filter = ("channel",)
    search_fields = ("label", "slug")
    fields = ("label", "slug", "channel", "validity_days")

    def get_fields(self, request: HttpRequest, obj: Service | None = None) -> Any:
        return (*self.fields, "subscribers", "created_at") if obj else self.fields

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

    @admin.display(description=_("active subscribers"))
    def subscribers(self, service: Service) -> str | SafeString:
        active = subscriptions.active(timezone.now())
        count = Subscription.objects.filter(active, service=service).count()
        url = reverse("admin:audiences_subscription_changelist")
        return format_html(
            '{} · <a href="{}?service__id__exact={}">{}</a>',
            grouped(count),
            url,
            service.pk,
            gettext("all subscriptions"),
        )


def _is_used(service: Service) -> bool:
    return (
        Subscription.objects.filter(service=service).exists()
        or ConsentEvent.objects.filter(service=service).exists()
    )


@admin.register(Subscription)
class SubscriptionAdmin(OfProfiles, ReadOnlyLog):
    list_display = ("person", "service", "status", "changed_at", "expires_at")
    list_filter = ("status", "service")
    list_select_related = ("profile", "service")
    fields = ("person", "service", "status", "changed_at", "expires_at")
    readonly_fields = ("person",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return super(OfProfiles, self).get_queryset(request)
