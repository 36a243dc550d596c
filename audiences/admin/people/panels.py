"""What the page of a profile shows below its form.

The other app adds what it knows through `links_of_addresses` and `panels`, because
`audiences` may not import it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy

from audiences import addresses, consent
from audiences.admin.people.forms import NewAddressForm, SubscriptionForm
from audiences.admin.people.history import evidence_of, subject
from audiences.channels import Channel
from audiences.consent import Kind
from audiences.console.masking import may_see_addresses, shown, shown_text
from audiences.console.pages import Facts
from audiences.models import Address, ConsentEvent, Profile, Service
from audiences.records import proof
from audiences.registry import Registry
from audiences.signups import requesting

SHOWN = 100


@dataclass(frozen=True)
class Panel:
    """A table on the page of a profile; `more` is a link to all of it.

    A panel that is no table names its own `template` and what that needs.
    """

    title: str
    columns: list[Any] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    empty: str = ""
    more: str = ""
    template: str = "admin/includes/panel.html"
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Extensions:
    """What the other app adds: links to its own rows, panels, and acts.

    `acts` are links with a label for the panel of shared addresses.
    """

    links_of_addresses: Callable[[Iterable[Address]], dict[int, str]] = field(
        default=lambda rows: {}
    )
    # The label and the page of each delivery, by its id.
    links_of_deliveries: Callable[
        [HttpRequest, set[int]], dict[int, tuple[str, str]]
    ] = field(default=lambda request, ids: {})
    acts: Registry[str, Callable[[HttpRequest, Profile], tuple[str, str] | None]] = (
        field(default_factory=lambda: Registry("act on the page of a profile"))
    )
    panels: Registry[str, Callable[[HttpRequest, Profile], Panel | None]] = field(
        default_factory=lambda: Registry("panel on the page of a profile")
    )


extensions = Extensions()


def context(request: HttpRequest, profile: Profile, *, may_change: bool) -> Facts:
    """What the template of the page needs, in a fixed number of queries."""
    own = list(profile.addresses.order_by("channel", "-is_primary", "id"))
    links = extensions.links_of_addresses(own)
    events = list(consent.events_of(profile.pk)[: SHOWN + 1])
    may_see_proof = may_see_addresses(request) and request.user.has_perm(
        "audiences.view_consentevent"
    )
    subscriptions = list(profile.subscriptions.select_related("service"))
    shared = addresses.sharing(profile)[: SHOWN + 1] if own else []
    makers = [_signups, *extensions.panels.values()]
    return {
        "may_change": may_change,
        "may_change_addresses": may_change and may_see_addresses(request),
        "may_subscribe": request.user.has_perm("audiences.add_subscription"),
        "may_unsubscribe": request.user.has_perm("audiences.change_subscription"),
        "addresses": [(address, links.get(address.pk, "")) for address in own],
        "address_form": NewAddressForm(),
        "subscriptions": subscriptions,
        "subscription_form": SubscriptionForm(),
        "has_services": Service.objects.exists(),
        "shared": list(shared),
        "history": timeline(request, events[:SHOWN]),
        "may_see_proof": may_see_proof,
        "acts": [
            act for make in extensions.acts.values() if (act := make(request, profile))
        ],
        "history_is_longer": len(events) > SHOWN,
        "panels": [p for make in makers if (p := make(request, profile))],
    }


def _signups(request: HttpRequest, profile: Profile) -> Panel | None:
    """Sign-ups with an address of the person that wait to be confirmed."""
    found = requesting.signups_of(profile)[:SHOWN]
    rows = [
        [
            signup.version.name,
            shown(request, Channel.EMAIL, signup.email),
            date_format(localtime(signup.created_at), "SHORT_DATETIME_FORMAT"),
            date_format(localtime(signup.expires_at), "SHORT_DATETIME_FORMAT"),
        ]
        for signup in found
    ]
    columns = [
        gettext("page"),
        gettext("address"),
        gettext("asked"),
        gettext("expires"),
    ]
    title = gettext("Sign-ups that wait to be confirmed")
    return Panel(title, columns, rows, "") if rows else None


_SENTENCES = {
    Kind.OPT_OUT: gettext_lazy("Opted out of {about}"),
    Kind.OPT_IN: gettext_lazy("Opted in to {about}"),
    Kind.REQUEST: gettext_lazy("Asked to be subscribed to “{about}”"),
    Kind.SUBSCRIBE: gettext_lazy("Subscribed to “{about}”"),
    Kind.CONFIRM: gettext_lazy("Confirmed the subscription to “{about}”"),
    Kind.UNSUBSCRIBE: gettext_lazy("Unsubscribed from “{about}”"),
    Kind.EXPIRE: gettext_lazy("The subscription to “{about}” expired"),
}
_OUT = (Kind.OPT_OUT, Kind.UNSUBSCRIBE, Kind.EXPIRE)


def timeline(request: HttpRequest, events: list[ConsentEvent]) -> list[Facts]:
    """The events as sentences, with links to the wording and the delivery of each."""
    versions = proof.wordings(events)
    deliveries = extensions.links_of_deliveries(
        request, {event.delivery_id for event in events if event.delivery_id}
    )
    may_see = request.user.has_perm("audiences.view_landingpageversion")
    return [
        {
            "event": event,
            "sentence": str(_SENTENCES[Kind(event.kind)]).format(about=subject(event)),
            "note": shown_text(request, evidence_of(event, "note")),
            "is_out": event.kind in _OUT,
            "wording": _wording(event, versions, may_see=may_see),
            "delivery": event.delivery_id
            and deliveries.get(event.delivery_id, (f"#{event.delivery_id}", "")),
        }
        for event in events
    ]


def _wording(
    event: ConsentEvent, versions: dict[str, Any], *, may_see: bool
) -> tuple[str, str] | None:
    name = event.wording_version
    if not name:
        return None
    version = versions.get(name)
    if version is None or not may_see:
        return name, ""
    url = reverse("admin:audiences_landingpageversion_change", args=[version.pk])
    return name, url
