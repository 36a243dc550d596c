"""What the search of the console finds in `audiences`: a few of each kind."""

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from audiences.console import masking
from audiences.console.guide.search import SHOWN, Finder, Hit, add
from audiences.models import Audience, LandingPage, Profile, Service
from audiences.selections import filters


def people(request: HttpRequest, text: str) -> list[Hit]:
    """By id, external id, whole address or words of a name; the same as their list."""
    masking.count_search(request, text)
    rows = Profile.objects.order_by().filter(filters.search(text))
    return [
        Hit(
            str(row),
            reverse("admin:audiences_profile_change", args=[row.pk]),
            row.external_id or f"#{row.pk}",
        )
        for row in rows[: SHOWN + 1]
    ]


def audiences(request: HttpRequest, text: str) -> list[Hit]:
    rows = Audience.objects.filter(name__icontains=text).order_by("name")
    return [
        Hit(
            row.name,
            reverse("admin:audiences_audience_change", args=[row.pk]),
            str(row.get_kind_display()),
        )
        for row in rows[: SHOWN + 1]
    ]


def services(request: HttpRequest, text: str) -> list[Hit]:
    about = Q(label__icontains=text) | Q(slug__icontains=text)
    return [
        Hit(
            row.label,
            reverse("admin:audiences_service_change", args=[row.pk]),
            str(row.get_channel_display()),
        )
        for row in Service.objects.filter(about).order_by("label")[: SHOWN + 1]
    ]


def landing_pages(request: HttpRequest, text: str) -> list[Hit]:
    about = Q(label__icontains=text) | Q(slug__icontains=text)
    return [
        Hit(
            row.label,
            reverse("admin:audiences_landingpage_change", args=[row.pk]),
            row.slug,
        )
        for row in LandingPage.objects.filter(about).order_by("label")[: SHOWN + 1]
    ]


add(10, Finder(_("People"), Profile, people, is_of_people=True))
add(30, Finder(_("Audiences"), Audience, audiences))
add(40, Finder(_("Services"), Service, services))
add(50, Finder(_("Landing pages"), LandingPage, landing_pages))
