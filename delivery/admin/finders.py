"""What the search of the console finds in `delivery`: a few of each kind."""

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _

from audiences.console.guide.search import SHOWN, Finder, Hit, add
from delivery.models import Delivery, Typology, TypologyRule
from delivery.sending import standing


def deliveries(request: HttpRequest, text: str) -> list[Hit]:
    """By a part of the label, the newest first; each with how it stands."""
    rows = list(Delivery.objects.filter(label__icontains=text)[: SHOWN + 1])
    found = standing.of_all(rows)
    return [
        Hit(
            row.label,
            reverse("admin:delivery_delivery_outcomes", args=[row.pk]),
            str(found[row.pk].state.label),
        )
        for row in rows
    ]


def rules(request: HttpRequest, text: str) -> list[Hit]:
    about = Q(label__icontains=text) | Q(code__icontains=text)
    return [
        Hit(
            gettext(row.label),
            reverse("admin:delivery_typologyrule_change", args=[row.pk]),
            str(row.get_kind_display()),
        )
        for row in TypologyRule.objects.filter(about)[: SHOWN + 1]
    ]


def typologies(request: HttpRequest, text: str) -> list[Hit]:
    about = Q(label__icontains=text) | Q(slug__icontains=text)
    return [
        Hit(
            gettext(row.label),
            reverse("admin:delivery_typology_change", args=[row.pk]),
            row.slug,
        )
        for row in Typology.objects.filter(about).order_by("slug")[: SHOWN + 1]
    ]


add(20, Finder(_("Deliveries"), Delivery, deliveries))
add(60, Finder(_("Typology rules"), TypologyRule, rules))
add(70, Finder(_("Typologies"), Typology, typologies))
