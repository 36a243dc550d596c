"""The operators' admin for deliveries, quarantine and what was handed over."""

from . import (
    deliveries,
    home,
    hooks,
    inbound,
    keywords,
    menu,
    messages,
    profile_panels,
    quarantine,
    quarantine_logs,
    typologies,
)

__all__ = [
    "deliveries",
    "home",
    "hooks",
    "inbound",
    "keywords",
    "menu",
    "messages",
    "profile_panels",
    "quarantine",
    "quarantine_logs",
    "typologies",
]
