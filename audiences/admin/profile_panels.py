"""What the page of a profile shows below its form.

The other app adds what it knows through `links_of_addresses` and `panels`, because
`audiences` may not import it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from audiences import addresses, profiles
from audiences.forms import AddressForm, SubscriptionForm
from audiences.models import Address, Profile, Service

from .consent import subject
from .masking import may_see_addresses

SHOWN = 100


@dataclass(frozen=True)
class Panel:
    """A table on the page of a profile; `more` is a link to all of it."""

    title: str
    columns: list[Any]
    rows: list[list[Any]]
    empty: str
    more: str = ""


@dataclass
class Extensions:
    """What the other app adds: where an address's status is explained, and panels."""

    links_of_addresses: Callable[[Iterable[Address]], dict[int, str]] = field(
        default=lambda rows: {}
    )
    panels: list[Callable[[HttpRequest, Profile], Panel | None]] = field(
        default_factory=list
    )


extensions = Extensions()


def context(
    request: HttpRequest, profile: Profile, *, may_change: bool
) -> dict[str, Any]:
    """What the template of the page needs, in a fixed number of queries."""
    own = list(profile.addresses.order_by("channel", "-is_primary", "id"))
    links = extensions.links_of_addresses(own)
    history = list(profiles.history(profile.pk)[: SHOWN + 1])
    subscriptions = list(profile.subscriptions.select_related("service"))
    shared = addresses.sharing(profile)[: SHOWN + 1] if own else []
    return {
        "may_change": may_change,
        "may_change_addresses": may_change and may_see_addresses(request),
        "may_subscribe": request.user.has_perm("audiences.add_subscription"),
        "may_unsubscribe": request.user.has_perm("audiences.change_subscription"),
        "addresses": [(address, links.get(address.pk, "")) for address in own],
        "address_form": AddressForm(),
        "subscriptions": subscriptions,
        "subscription_form": SubscriptionForm(),
        "has_services": Service.objects.exists(),
        "shared": list(shared),
        "history": [(event, subject(event)) for event in history[:SHOWN]],
        "history_is_longer": len(history) > SHOWN,
        "panels": [p for make in extensions.panels if (p := make(request, profile))],
    }
