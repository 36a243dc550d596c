"""Pages about one person that `delivery` adds: all addresses into quarantine (P4)."""

from django import forms
from django.http import HttpRequest
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext_lazy, ngettext

from audiences import addresses
from audiences.admin.people.pages import operator
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import Profile
from delivery.models import Delivery
from delivery.quarantine.people import PERMISSION, addresses_of, quarantine_people

__all__ = ["PERMISSION"]


class QuarantineForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        help_text=gettext_lazy("Why; kept with each address."),
    )


@page(
    Profile,
    "quarantine",
    "audiences.view_profile",
    PERMISSION,
    title=gettext_lazy("Put all addresses of this person in quarantine"),
    template="admin/delivery/quarantineentry/person.html",
)
def quarantine_person(
    admin: PlainAdmin, request: HttpRequest, profile: Profile
) -> Answer:
    """Ask, with the addresses listed; then quarantine all of them."""
    person = Profile.objects.filter(pk=profile.pk)
    form = QuarantineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        count = addresses_of(person).count()
        quarantine_people(person, {}, operator(request, form.cleaned_data["note"]))
        text = ngettext(
            "{count} address is in quarantine now.",
            "{count} addresses are in quarantine now.",
            count,
        )
        return admin.say_done(request, profile, text.format(count=count))
    others = addresses.sharing(profile).values("profile_id").distinct().order_by()
    return {
        "profile": profile,
        "addresses": list(
            addresses_of(person).order_by("channel", "-is_primary", "pk")
        ),
        "others": others.count(),
        "form": form,
    }


@page(Profile, "would-get", "delivery.view_delivery")
def would_get(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """From the picker on the page of a profile to the explanation for a delivery."""
    chosen = request.GET.get("delivery", "")
    number = int(chosen) if chosen.isascii() and chosen.isdigit() else 0
    delivery = get_object_or_404(Delivery, pk=min(number, 2**63 - 1))
    return redirect("admin:delivery_delivery_why", delivery.pk, profile.pk)
