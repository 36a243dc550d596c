"""Small pages beside the profile's form: its addresses and its subscriptions.

Each parses, calls one domain function, records it in the admin's log and goes back.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audiences import addresses, consent, roles, subscriptions
from audiences.admin.people.forms import AddressForm, SubscriptionForm
from audiences.channels import FLAGS
from audiences.consent import Origin, Source
from audiences.console.lists import PlainAdmin
from audiences.masking import masked_text
from audiences.models import Address, Profile, Subscription
from audiences.records import proof
from audiences.registry import Registry

from . import panels

View = Callable[..., HttpResponse]


# What a page needs besides looking at profiles.
CHANGE = "audiences.change_profile"
SUBSCRIBE = "audiences.add_subscription"
UNSUBSCRIBE = "audiences.change_subscription"


def _profile(admin: PlainAdmin, request: HttpRequest, pk: int, *needed: str) -> Profile:
    profile = get_object_or_404(Profile, pk=pk)
    may = admin.has_view_permission(request, profile)
    if not (may and request.user.has_perms(needed or (CHANGE, roles.SEE_ADDRESSES))):
        raise PermissionDenied
    return profile


def _done(
    admin: PlainAdmin,
    request: HttpRequest,
    profile: Profile,
    text: str,
    warning: str = "",
) -> HttpResponse:
    # The history of a profile is read by those too who may not see addresses.
    admin.log_change(request, profile, masked_text(text))
    messages.success(request, text)
    if warning:
        messages.warning(request, warning)
    return _back(profile)


def _back(profile: Profile) -> HttpResponse:
    return redirect("admin:audiences_profile_change", profile.pk)


def _page(
    admin: PlainAdmin, request: HttpRequest, profile: Profile, **context: Any
) -> HttpResponse:
    context |= admin.admin_site.each_context(request) | {
        "opts": Profile._meta,
        "profile": profile,
        "media": admin.media,
    }
    template = "admin/audiences/profile/small_page.html"
    return TemplateResponse(request, template, context)


def add_address(admin: PlainAdmin) -> View:
    """Give the profile an address; what cannot be one is refused at the field."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        profile = _profile(admin, request, pk)
        form = AddressForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            held = set(profile.addresses.values_list("pk", flat=True))
            address = form.save(profile)
            if address:
                text = (
                    _("The profile had address “{address}” already.")
                    if address.pk in held
                    else _("Address “{address}” was added.")
                )
                text = text.format(address=address.value)
                return _done(admin, request, profile, text)
        return _page(
            admin,
            request,
            profile,
            form=form,
            title=_("Add an address"),
            button=_("Add address"),
        )

    return view


def _address(profile: Profile, request: HttpRequest) -> Address:
    chosen = request.POST.get("address") or request.GET.get("address") or ""
    pk = int(chosen) if chosen.isascii() and chosen.isdigit() else 0
    return get_object_or_404(Address, pk=pk, profile=profile)


def make_primary(admin: PlainAdmin) -> View:
    """Let deliveries go to another address of the profile."""

    @require_POST
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        profile = _profile(admin, request, pk)
        address = _address(profile, request)
        addresses.make_primary(address)
        text = _("Address “{address}” is now primary.")
        return _done(admin, request, profile, text.format(address=address.value))

    return view


def remove_address(admin: PlainAdmin) -> View:
    """Take an address from the profile, after a question."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        profile = _profile(admin, request, pk)
        address = _address(profile, request)
        if request.method == "POST":
            addresses.detach(address)
            text = _("Address “{address}” was removed.")
            return _done(admin, request, profile, text.format(address=address.value))
        return _page(
            admin,
            request,
            profile,
            title=_("Remove an address"),
            question=_(
                "Remove “{address}” from this profile? Its quarantine status stays, "
                "and its next address on the channel becomes primary."
            ).format(address=address.value),
            hidden={"address": address.pk},
            button=_("Yes, remove it"),
            button_class="deletelink",
        )

    return view


def subscribe(admin: PlainAdmin) -> View:
    """Subscribe the profile to a service; when it is opted out, with a warning."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        profile = _profile(admin, request, pk, SUBSCRIBE)
        form = SubscriptionForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            service = form.cleaned_data["service"]
            origin = operator(request, form.cleaned_data["note"])
            try:
                result = subscriptions.subscribe(profile, service, origin)
            except subscriptions.NoteNeeded as error:
                form.add_error("note", str(error))
            except subscriptions.ServiceClosed as error:
                form.add_error("service", str(error))
            else:
                text = _("Subscribed to “{service}”.").format(service=service)
                if result.changed:
                    return _done(admin, request, profile, text, result.warning)
                messages.info(request, _("The profile was subscribed already."))
                return _back(profile)
        return _page(
            admin,
            request,
            profile,
            form=form,
            title=_("Subscribe to a service"),
            button=_("Subscribe"),
        )

    return view


def unsubscribe(admin: PlainAdmin) -> View:
    """End a subscription; flags and other subscriptions stay (S2)."""

    @require_POST
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        profile = _profile(admin, request, pk, UNSUBSCRIBE)
        slug = request.POST.get("service", "")
        held = Subscription.objects.select_related("service")
        subscription = get_object_or_404(held, profile=profile, service__slug=slug)
        service = subscription.service
        result = subscriptions.unsubscribe(profile, service, operator(request))
        if not result.changed:
            messages.info(request, _("The subscription had ended already."))
            return _back(profile)
        text = _("Unsubscribed from “{service}”.").format(service=service)
        return _done(admin, request, profile, text)

    return view


def operator(request: HttpRequest, note: str = "") -> Origin:
    """An operator as the origin of a change, for the consent history."""
    return Origin(
        source=Source.OPERATOR, actor=request.user.get_username(), note=note.strip()
    )


def proof_page(admin: PlainAdmin) -> View:
    """Everything on record about the consent of one person, to print."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        profile = _proof_of(request, pk)
        events = list(consent.events_of(profile.pk).order_by("id"))
        told = proof.of(profile)
        return TemplateResponse(
            request,
            "admin/audiences/profile/proof.html",
            {
                "profile": profile,
                "proof": told,
                "may_see_device": _may_see_device(request),
                "addresses": profile.addresses.order_by("channel", "-is_primary"),
                "subscriptions": [
                    (held["label"], Subscription.Status(held["status"]).label)
                    for held in told["subscriptions"]
                ],
                "flags": [
                    (scope.label, getattr(profile, flag))
                    for scope, flag in FLAGS.items()
                ],
                "history": panels.timeline(request, events),
                "site_header": admin.admin_site.site_header,
                "actor": request.user.get_username(),
            },
        )

    return view


def proof_json(admin: PlainAdmin) -> View:
    """The same as data, to download."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        profile = _proof_of(request, pk)
        answer = JsonResponse(
            proof.of(profile, with_device=_may_see_device(request)),
            json_dumps_params={"indent": 2, "ensure_ascii": False},
        )
        answer["Content-Disposition"] = (
            f'attachment; filename="proof-of-consent-{profile.pk}.json"'
        )
        return answer

    return view


def _may_see_device(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("audiences.view_consentevidence"))


def _proof_of(request: HttpRequest, pk: int) -> Profile:
    codes = ["audiences.view_profile", "audiences.view_consentevent"]
    if not request.user.has_perms([*codes, roles.SEE_ADDRESSES]):
        raise PermissionDenied
    return get_object_or_404(Profile, pk=pk)


PAGES: Registry[str, Callable[[PlainAdmin], View]] = Registry(
    "page of a profile",
    {
        "proof": proof_page,
        "proof/json": proof_json,
        "addresses/add": add_address,
        "addresses/primary": make_primary,
        "addresses/remove": remove_address,
        "subscribe": subscribe,
        "unsubscribe": unsubscribe,
    },
)
