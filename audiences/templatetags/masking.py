"""Addresses in templates, as the operator who asks may read them."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.contrib.admin.models import LogEntry

from audiences.console import masking
from audiences.records import console_log

register = template.Library()


@register.simple_tag(takes_context=True)
def shown_address(context: Mapping[str, Any], channel: str, address: str | None) -> str:
    """An address; masked for those who may not see addresses."""
    return masking.shown(context["request"], channel, address or "")


@register.simple_tag(takes_context=True)
def shown_text(context: Mapping[str, Any], text: str | None) -> str:
    """A text that may have an address in it."""
    return masking.shown_text(context["request"], text or "")


@register.simple_tag(takes_context=True)
def log_entry(context: Mapping[str, Any], row: LogEntry) -> str:
    """What a row of the console's log says."""
    return masking.shown_text(context["request"], console_log.in_words(row))
