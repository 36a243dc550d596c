"""Addresses in the admin: to find; they are changed on the profile's page."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audiences.console.lists import OfAddresses, ReadOnlyLog, profile_link
from audiences.models import Address


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
