"""The operators' admin for deliveries, quarantine and what was handed over."""

from delivery.admin import home, menu
from delivery.admin.deliveries import deliveries, messages
from delivery.admin.feedback import hooks, inbound, keywords
from delivery.admin.people import panels as profile_panels
from delivery.admin.quarantine import entries as quarantine, logs as quarantine_logs
from delivery.admin.rules import typologies

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
