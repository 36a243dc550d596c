"""The operators' admin for deliveries, quarantine and what was handed over."""

from . import (
    deliveries,
    hooks,
    inbound,
    keywords,
    messages,
    profile_panels,
    quarantine,
    quarantine_logs,
    typologies,
)

__all__ = [
    "deliveries",
    "hooks",
    "inbound",
    "keywords",
    "messages",
    "profile_panels",
    "quarantine",
    "quarantine_logs",
    "typologies",
]
