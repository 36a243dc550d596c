"""Which resources the API has from here; another app adds its own."""

from audiences.api.people.consent import consent
from audiences.api.people.profiles import profiles
from audiences.api.services.services import services
from audiences.api.services.subscriptions import subscriptions
from audiences.api.site import add

add(profiles, consent, services, subscriptions)
