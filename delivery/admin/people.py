"""What `delivery` adds to the page of a profile, and its pages about a person (P4)."""

from collections.abc import Iterable

from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from audiences.admin.audiences import links as audience_links
from audiences.admin.people.panels import Panel, extensions
from audiences.console.badges import badge
from audiences.console.masking import shown
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import Address, Audience, Profile
from delivery.models import Delivery, Outcome, QuarantineEntry
from delivery.sending import freshness

# The exclusions of one person are looked for in at most this many latest deliveries.
DELIVERIES = 50


def links_to_entries(rows: Iterable[Address]) -> dict[int, str]:
    """The page of the quarantine entry of each address that has one; one query."""
    rows = [row for row in rows if row.is_valid]
    about = Q(pk__in=[])
    for row in rows:
        about |= Q(channel=row.channel, key=row.key)
    entries = {
        (channel, key): pk
        for channel, key, pk in QuarantineEntry.objects.filter(about).values_list(
            "channel", "key", "pk"
        )
    }
    return {
        row.pk: reverse("admin:delivery_quarantineentry_change", args=[entry])
        for row in rows
        if (entry := entries.get((row.channel, row.key)))
    }


def judged(request: HttpRequest, profile: Profile) -> Panel | None:
    """What the latest deliveries decided about this profile.

    Outcomes are kept by delivery and profile: each delivery is one look-up.
    """
    if not request.user.has_perm("delivery.view_delivery"):
        return None
    latest = list(Delivery.objects.order_by("-pk")[:DELIVERIES])
    labels = {delivery.pk: delivery for delivery in latest}
    outcomes = Outcome.objects.filter(delivery_id__in=list(labels), profile=profile)
    rows = list(outcomes.select_related("rule").order_by("-delivery_id"))
    changed = freshness.changed_since(profile, labels)
    return Panel(
        title=_("Deliveries: to deliver, or excluded and why"),
        columns=[_("delivery"), _("at its last analysis"), _("address")],
        rows=[
            [
                _link(labels[each.delivery_id], profile),
                _decision(each, is_old=each.delivery_id in changed),
                shown(request, labels[each.delivery_id].channel, each.address or "")
                or "-",
            ]
            for each in rows
        ],
        empty=_("No recent delivery has judged this profile."),
        more=_("The latest {count} deliveries are looked at.").format(count=DELIVERIES)
        if len(latest) == DELIVERIES
        else "",
    )


def _decision(outcome: Outcome, *, is_old: bool) -> str:
    """What was decided; marked where the person was changed afterwards."""
    text = _("To deliver")
    if outcome.rule:
        text = _("Excluded: {cause}").format(cause=outcome.rule.shown_label)
    if not is_old:
        return text
    return format_html("{} {}", text, badge(_("Changed since"), "warn"))


def _link(delivery: Delivery, profile: Profile) -> str:
    url = reverse("admin:delivery_delivery_why", args=[delivery.pk, profile.pk])
    return format_html('<a href="{}">{}</a>', url, delivery)


def would_get(request: HttpRequest, profile: Profile) -> Panel | None:
    """A form that asks whether the person would get a delivery now."""
    if not request.user.has_perm("delivery.view_delivery"):
        return None
    return Panel(
        title=_("Would this person get a delivery?"),
        template="admin/delivery/delivery/would_get.html",
        facts={
            "deliveries": Delivery.objects.order_by("-pk")[:DELIVERIES],
            "url": reverse("admin:audiences_profile_would-get", args=[profile.pk]),
        },
    )


def links_of_deliveries(
    request: HttpRequest, ids: set[int]
) -> dict[int, tuple[str, str]]:
    """The label and page of each delivery; no link for who may not see it."""
    if not ids:
        return {}
    may_see = request.user.has_perm("delivery.view_delivery")
    return {
        pk: (
            label,
            reverse("admin:delivery_delivery_change", args=[pk]) if may_see else "",
        )
        for pk, label in Delivery.objects.filter(pk__in=ids).values_list("pk", "label")
    }


extensions.links_of_addresses = links_to_entries
extensions.links_of_deliveries = links_of_deliveries
extensions.panels.add("would_get", would_get)
extensions.panels.add("judged", judged)


@page(Profile, "would-get", "delivery.view_delivery")
def ask_whether(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """From the picker on the page of a profile to the explanation for a delivery."""
    chosen = request.GET.get("delivery", "")
    number = int(chosen) if chosen.isascii() and chosen.isdigit() else 0
    delivery = get_object_or_404(Delivery, pk=min(number, 2**63 - 1))
    return redirect("admin:delivery_delivery_why", delivery.pk, profile.pk)


def _use_in_delivery(
    request: HttpRequest, audience: Audience
) -> tuple[str, str] | None:
    """On the page of an audience: a new delivery with it."""
    if not request.user.has_perm("delivery.add_delivery"):
        return None
    url = reverse("admin:delivery_delivery_add")
    return _("Use in a new delivery"), f"{url}?audience={audience.pk}"


audience_links.add("delivery", _use_in_delivery)
