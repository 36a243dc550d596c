"""Small pages beside the profile's form: its addresses and its subscriptions.

Each parses, calls one domain function, records it in the admin's log and goes back.
"""

from django.contrib import messages
from django.contrib.admin.models import CHANGE as CHANGED, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop

from audiences import addresses, consent, roles, subscriptions
from audiences.admin.people.forms import NewAddressForm, SubscriptionForm
from audiences.channels import FLAGS
from audiences.consent import Origin, Source
from audiences.console import errors, exact
from audiences.console.downloads import EXPORTERS, csv_file
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.imports import exports
from audiences.ledger import receipts
from audiences.masking import DOTS, masked, masked_text
from audiences.models import Address, ConsentEvent, Profile, Subscription
from audiences.records import proof
from audiences.refusals import Sentence
from audiences.selections import filters

from . import panels
from .undo import say

# What a page needs besides looking at profiles.
CHANGE = "audiences.change_profile"
ADDRESSES = ("view", CHANGE, roles.SEE_ADDRESSES)
SUBSCRIBE = ("view", "audiences.add_subscription")
UNSUBSCRIBE = ("view", "audiences.change_subscription")
PROOF = ("audiences.view_profile", "audiences.view_consentevent", roles.SEE_ADDRESSES)
TEMPLATE = "admin/audiences/profile/small_page.html"


def operator(request: HttpRequest, note: str = "") -> Origin:
    """An operator as the origin of a change, for the consent history."""
    return Origin(
        source=Source.OPERATOR, actor=request.user.get_username(), note=note.strip()
    )


@page(
    Profile,
    "addresses_add",
    *ADDRESSES,
    route="<int:pk>/addresses/add/",
    title=gettext_lazy("Add an address"),
    template=TEMPLATE,
)
def add_address(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Give the profile an address; what cannot be one is refused at the field."""
    form = NewAddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        held = set(profile.addresses.values_list("pk", flat=True))
        address = form.save(profile)
        if address:
            text = (
                gettext_noop("The profile had address “{address}” already.")
                if address.pk in held
                else gettext_noop("Address “{address}” was added.")
            )
            return _said(admin, request, address, text)
    return {"profile": profile, "form": form, "button": _("Add address")}


def _said(
    admin: PlainAdmin, request: HttpRequest, address: Address, text: str
) -> HttpResponse:
    """Say it of the address; the log, which others read, has it masked."""
    shown = masked(address.channel, address.value) or DOTS
    return admin.say_done(
        request,
        address.profile,
        Sentence(text, {"address": address.value}),
        kept=Sentence(text, {"address": shown}),
    )


def _address(profile: Profile, request: HttpRequest) -> Address:
    chosen = request.POST.get("address") or request.GET.get("address") or ""
    pk = int(chosen) if chosen.isascii() and chosen.isdigit() else 0
    return get_object_or_404(Address, pk=pk, profile=profile)


@page(
    Profile,
    "addresses_primary",
    *ADDRESSES,
    route="<int:pk>/addresses/primary/",
    method="POST",
)
def make_primary(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Let deliveries go to another address of the profile."""
    address = _address(profile, request)
    addresses.make_primary(address)
    text = gettext_noop("Address “{address}” is now primary.")
    return _said(admin, request, address, text)


@page(
    Profile,
    "addresses_remove",
    *ADDRESSES,
    route="<int:pk>/addresses/remove/",
    title=gettext_lazy("Remove an address"),
    template=TEMPLATE,
)
def remove_address(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Take an address from the profile, after a question."""
    address = _address(profile, request)
    if request.method == "POST":
        addresses.detach(address)
        text = gettext_noop("Address “{address}” was removed.")
        return _said(admin, request, address, text)
    question = _(
        "Remove “{address}” from this profile? Its quarantine status stays, "
        "and its next address on the channel becomes primary."
    )
    return {
        "profile": profile,
        "question": question.format(address=address.value),
        "hidden": {"address": address.pk},
        "button": _("Yes, remove it"),
        "button_class": "deletelink",
    }


@page(
    Profile,
    "subscribe",
    *SUBSCRIBE,
    title=gettext_lazy("Subscribe to a service"),
    template=TEMPLATE,
)
def subscribe(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Subscribe the profile to a service; when it is opted out, with a warning."""
    form = SubscriptionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        service = form.cleaned_data["service"]
        origin = operator(request, form.cleaned_data["note"])
        try:
            result = subscriptions.subscribe(profile, service, origin)
        except subscriptions.NoteNeeded as error:
            form.add_error("note", str(error))
        except subscriptions.ServiceClosed as error:
            errors.refuse(form, "service", error)
        else:
            if result.event_id:
                event = ConsentEvent.objects.get(pk=result.event_id)
                return say(admin, request, profile, event, warning=result.warning)
            messages.info(request, _("The profile was subscribed already."))
            return admin.go_back(profile)
    return {"profile": profile, "form": form, "button": _("Subscribe")}


@page(Profile, "unsubscribe", *UNSUBSCRIBE, method="POST")
def unsubscribe(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """End a subscription; flags and other subscriptions stay (S2)."""
    slug = request.POST.get("service", "")
    held = Subscription.objects.select_related("service")
    subscription = get_object_or_404(held, profile=profile, service__slug=slug)
    service = subscription.service
    result = subscriptions.unsubscribe(profile, service, operator(request))
    if result.event_id is None:
        messages.info(request, _("The subscription had ended already."))
        return admin.go_back(profile)
    event = ConsentEvent.objects.get(pk=result.event_id)
    return say(admin, request, profile, event)


@page(Profile, "proof", *PROOF)
def proof_page(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Everything on record about the consent of one person, to print."""
    events = list(consent.events_of(profile.pk).order_by("id"))
    known = proof.of(profile)
    facts = {
        "profile": profile,
        "proof": known,
        "may_see_device": _may_see_device(request),
        "addresses": profile.addresses.order_by("channel", "-is_primary"),
        "subscriptions": [
            (held["label"], Subscription.Status(held["status"]).label)
            for held in known["subscriptions"]
        ],
        "flags": [
            (scope.label, getattr(profile, flag)) for scope, flag in FLAGS.items()
        ],
        "wishes": panels.extensions.panels["wishes"](request, profile),
        "history": panels.timeline(request, events),
        "site_header": admin.admin_site.site_header,
        "actor": request.user.get_username(),
    }
    return TemplateResponse(request, "admin/audiences/profile/proof.html", facts)


@page(Profile, "proof_json", *PROOF, route="<int:pk>/proof/json/")
def proof_json(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """The same as data, to download."""
    name = f"proof-of-consent-{profile.pk}.json"
    return JsonResponse(
        proof.of(profile, with_device=_may_see_device(request)),
        json_dumps_params={"indent": 2, "ensure_ascii": False},
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@page(Profile, "receipt", *PROOF)
def receipt(admin: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """A receipt with proofs, which outsiders check without us."""
    try:
        made = receipts.receipt(profile)
    except receipts.NoReceipt as error:
        messages.error(request, str(error))
        return admin.go_back(profile)
    name = f"receipt-{profile.pk}.json"
    return HttpResponse(
        receipts.as_text(made.data),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _may_see_device(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("audiences.view_consentevidence"))


@page(Profile, "export", "view", *EXPORTERS, route="export/", method="POST")
def export(admin: PlainAdmin, request: HttpRequest) -> Answer:
    """Everybody of the selection in the address, with the columns of an import.

    Who took whom away is on record, hence a POST.
    """
    exact.only(request, *filters.FILTERS)
    chosen = filters.read(request.GET)
    people, who = filters.select(chosen), filters.in_words(chosen, {})
    LogEntry.objects.create(
        user_id=request.user.pk or 0,
        content_type=ContentType.objects.get_for_model(Profile),
        object_repr=masked_text(who)[:200],
        action_flag=CHANGED,
        change_message=gettext_noop("People were exported."),
    )
    header = exports.columns(people)
    name = f"people-{timezone.localdate():%Y-%m-%d}.csv"
    return csv_file(name, header, exports.rows(people, header))
