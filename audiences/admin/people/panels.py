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

from audiences import addresses, roles
from audiences.admin.people.forms import NewAddressForm
from audiences.admin.people.history import evidence_of, subject
from audiences.channels import FLAGS, Channel
from audiences.consent import Kind
from audiences.console.masking import may_see_addresses, shown, shown_text
from audiences.console.pages import Facts
from audiences.models import Address, ConsentEvent, Profile, Service
from audiences.records import proof, standing
from audiences.registry import Registry
from audiences.sentences import within_a_sentence
from audiences.signups import requesting
from audiences.subscriptions.writing import opt_out_warning
from audiences.suppression.restriction import is_restricted

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


@dataclass(frozen=True)
class Deed:
    """A button at the top of the page: a page that asks, or a POST that does it."""

    code: str
    label: str
    url: str
    is_post: bool = False
    is_danger: bool = False


@dataclass
class Extensions:
    """What other rooms add: links to their own rows, panels, and buttons."""

    links_of_addresses: Callable[[Iterable[Address]], dict[int, str]] = field(
        default=lambda rows: {}
    )
    # The label and the page of each delivery, by its id.
    links_of_deliveries: Callable[
        [HttpRequest, set[int]], dict[int, tuple[str, str]]
    ] = field(default=lambda request, ids: {})
    deeds: Registry[str, Callable[[HttpRequest, Profile], Deed | None]] = field(
        default_factory=lambda: Registry("button on the page of a profile")
    )
    panels: Registry[str, Callable[[HttpRequest, Profile], Panel | None]] = field(
        default_factory=lambda: Registry("panel on the page of a profile")
    )


extensions = Extensions()


def context(request: HttpRequest, profile: Profile, *, may_change: bool) -> Facts:
    """What the template of the page needs, in a fixed number of queries."""
    own = list(profile.addresses.order_by("channel", "-is_primary", "id"))
    links = extensions.links_of_addresses(own)
    may_see_proof = may_see_addresses(request) and request.user.has_perm(
        "audiences.view_consentevent"
    )
    subscriptions = [
        (held, opt_out_warning(profile, held.service))
        for held in profile.subscriptions.select_related("service")
    ]
    shared = addresses.sharing(profile)[: SHOWN + 1] if own else []
    makers = [_signups, *extensions.panels.values()]
    return {
        "may_change": may_change,
        "may_change_addresses": may_change and may_see_addresses(request),
        "may_unsubscribe": request.user.has_perm("audiences.change_subscription"),
        "addresses": [(address, links.get(address.pk, "")) for address in own],
        "address_form": NewAddressForm(),
        "subscriptions": subscriptions,
        "shared": list(shared),
        "may_see_proof": may_see_proof,
        "states": [_state(state) for state in standing.of(profile, own)],
        "deeds": deeds(request, profile),
        "is_restricted": is_restricted(profile.pk),
        "panels": [p for make in makers if (p := make(request, profile))],
    }


def _state(state: standing.State) -> Facts:
    """The state of a channel in words: since when, and how."""
    facts: Facts = {
        "channel": state.scope.label,
        "is_good": state.standing == standing.Standing.REACHABLE,
        "code": state.standing.value,
        "text": str(state.standing.label),
    }
    if event := state.event:
        day = date_format(localtime(event.at), "DATE_FORMAT")
        how = evidence_of(event, "actor") or within_a_sentence(
            event.get_source_display()
        )
        words = gettext("opted out since {day}, by {how}")
        facts["text"] = words.format(day=day, how=how)
    return facts


def deeds(request: HttpRequest, profile: Profile) -> list[Deed]:
    """The buttons of this operator; what a role may not do is not there."""

    def page(code: str, label: str, permission: str) -> Deed | None:
        if not request.user.has_perm(permission):
            return None
        return Deed(
            code, label, reverse(f"admin:audiences_profile_{code}", args=[profile.pk])
        )

    flags = [getattr(profile, flag) for flag in FLAGS.values()]
    free = not is_restricted(profile.pk)
    own = [
        not all(flags) and page("opt_out", gettext("Opt out…"), roles.OPT_OUT),
        any(flags) and free and page("opt_in", gettext("Opt in…"), roles.OPT_IN),
        free
        and Service.objects.exists()
        and page("subscribe", gettext("Subscribe…"), "audiences.add_subscription"),
    ]
    added = [make(request, profile) for make in extensions.deeds.values()]
    found = [deed for deed in (*own, *added) if deed]
    # What cannot be taken back stands last.
    return sorted(found, key=lambda deed: (deed.is_danger, deed.is_post))


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
