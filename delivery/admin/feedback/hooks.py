"""Calls of providers, counted by day: to see what was refused, and that calls come."""

from django.contrib import admin

from audiences.console.lists import ReadOnlyLog
from delivery.models import HookCount


@admin.register(HookCount)
class HookCountAdmin(ReadOnlyLog):
    list_display = ("day", "provider", "outcome", "count")
    list_filter = ("provider", "outcome")
    ordering = ("-day", "provider", "outcome")
    date_hierarchy = "day"
