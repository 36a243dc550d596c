"""Which resources the API has from here; another app adds its own."""

from audiences.api.events import import_columns
from audiences.api.events.changes import changes
from audiences.api.events.endpoints import endpoints
from audiences.api.events.imports import imports
from audiences.api.events.jobs import jobs
from audiences.api.people.consent import consent
from audiences.api.people.privacy_requests import privacy_requests
from audiences.api.people.profiles import profiles
from audiences.api.people.suppressions import suppressions
from audiences.api.services.audiences import audiences
from audiences.api.services.services import services
from audiences.api.services.subscriptions import subscriptions
from audiences.api.site import add

__all__ = ["import_columns"]  # it adds its calls to `imports`
add(
    *(profiles, consent, services, subscriptions, suppressions, audiences),
    *(imports, privacy_requests, changes, endpoints, jobs),
)
