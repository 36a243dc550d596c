"""Pages about one person that `delivery` adds: all addresses into quarantine (P4)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from audiences import addresses
from audiences.admin.people import pages
from audiences.admin.people.pages import View, operator
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


def quarantine_person(admin: Any) -> View:
    """Ask, with the addresses listed; then quarantine all of them."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        codes = ("audiences.view_profile", PERMISSION)
        if not request.user.has_perms(codes):
            raise PermissionDenied
        profile = get_object_or_404(Profile, pk=pk)
        person = Profile.objects.filter(pk=pk)
        form = QuarantineForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            count = addresses_of(person).count()
            quarantine_people(person, {}, operator(request, form.cleaned_data["note"]))
            text = ngettext(
                "{count} address is in quarantine now.",
                "{count} addresses are in quarantine now.",
                count,
            ).format(count=count)
            admin.log_change(request, profile, text)
            messages.success(request, text)
            return redirect("admin:audiences_profile_change", pk)
        own = list(addresses_of(person).order_by("channel", "-is_primary", "pk"))
        others = addresses.sharing(profile).values("profile_id").distinct().order_by()
        return TemplateResponse(
            request,
            "admin/delivery/quarantineentry/person.html",
            admin.admin_site.each_context(request)
            | {
                "opts": Profile._meta,
                "media": admin.media,
                "title": _("Put all addresses of this person in quarantine"),
                "profile": profile,
                "addresses": own,
                "others": others.count(),
                "form": form,
            },
        )

    return view


def would_get(admin: Any) -> View:
    """From the picker on the page of a profile to the explanation for a delivery."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.has_perm("delivery.view_delivery"):
            raise PermissionDenied
        chosen = request.GET.get("delivery", "")
        number = int(chosen) if chosen.isascii() and chosen.isdigit() else 0
        delivery = get_object_or_404(Delivery, pk=min(number, 2**63 - 1))
        return redirect("admin:delivery_delivery_why", delivery.pk, pk)

    return view


pages.PAGES.add("quarantine", quarantine_person)
pages.PAGES.add("would-get", would_get)
