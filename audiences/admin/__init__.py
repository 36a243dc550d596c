"""The operators' admin for profiles, consent, services, audiences and pages."""

from audiences.admin import (
    home,
    menu,
    operators,
    outbox,
)
from audiences.admin.audiences import audiences
from audiences.admin.landing_pages import pages as landing_pages
from audiences.admin.landing_pages import versions as landing_page_versions
from audiences.admin.people import (
    addresses,
    bulk_acts,
    profiles,
)
from audiences.admin.people import (
    history as consent,
)
from audiences.admin.people import (
    imports as import_runs,
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
