"""The operators' admin for profiles, consent, services, audiences and pages."""

from audiences.admin import home, menu, operators, outbox
from audiences.admin.audiences import audiences
from audiences.admin.landing_pages import (
    pages as landing_pages,
    versions as landing_page_versions,
)
from audiences.admin.people import (
    addresses,
    bulk_acts,
    history as consent,
    imports as import_runs,
    profiles,
)
from audiences.admin.services import services

__all__ = [
    "addresses",
    "audiences",
    "bulk_acts",
    "consent",
    "home",
    "import_runs",
    "landing_page_versions",
    "landing_pages",
    "menu",
    "operators",
    "outbox",
    "profiles",
    "services",
]
