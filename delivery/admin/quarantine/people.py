"""From a person's page: their addresses into quarantine, and that undone."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop, ngettext

from audiences import addresses
from audiences.admin.people.panels import Deed, extensions
from audiences.admin.people.undo import with_undo
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import BulkAct, BulkActPerson, Profile
from audiences.records import console_log
from audiences.refusals import Refused, Sentence
from audiences.selections import bulk_acts, filters, undoing
from delivery.models import QuarantineAction
from delivery.quarantine.people import CAN_BE_QUARANTINED, PERMISSION, addresses_of
from delivery.quarantine.undoing import decided_by
from delivery.roles import RELEASE

UNDO = "admin:audiences_profile_undo_quarantine"


def quarantine_all(request: HttpRequest, profile: Profile) -> Deed | None:
    """The act that stops somebody everywhere (P4), where there is what it stops."""
    if not request.user.has_perm(PERMISSION):
        return None
    held = addresses_of(Profile.objects.filter(pk=profile.pk))
    if not held.filter(quarantine_status__in=CAN_BE_QUARANTINED).exists():
        return None
    url = reverse("admin:audiences_profile_quarantine", args=[profile.pk])
    return Deed("quarantine", _("Put addresses in quarantine…"), url)


extensions.deeds.add("quarantine_all", quarantine_all)


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
    own: PlainAdmin, request: HttpRequest, profile: Profile
) -> Answer:
    """Ask, with the addresses listed; then quarantine all of them.

    It is kept as a change of one person, so that it can be taken back.
    """
    person = Profile.objects.filter(pk=profile.pk)
    form = QuarantineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        act = bulk_acts.begin(
            "quarantine",
            {filters.IDS: str(profile.pk)},
            actor=request.user.get_username(),
            note=form.cleaned_data["note"],
        )
        return _say(own, request, profile, act)
    others = addresses.sharing(profile).values("profile_id").distinct().order_by()
    return {
        "profile": profile,
        "addresses": list(
            addresses_of(person).order_by("channel", "-is_primary", "pk")
        ),
        "others": others.count(),
        "form": form,
    }


def _say(
    own: PlainAdmin, request: HttpRequest, profile: Profile, act: BulkAct
) -> HttpResponse:
    """The sentence about what was done, with *Undo* for who may."""
    if act.state == BulkAct.State.FAILED:
        messages.error(request, act.error)
        return own.go_back(profile)
    row = BulkActPerson.objects.filter(act=act).first()
    if row is None:
        messages.info(request, _("It was so already: nothing was changed."))
        return own.go_back(profile)
    count = len(decided_by(act, [profile.pk]))
    text = ngettext(
        "{count} address is in quarantine now.",
        "{count} addresses are in quarantine now.",
        count,
    ).format(count=count)
    own.log_change(
        request,
        profile,
        console_log.kept(gettext_noop("Addresses in quarantine: {count}"), count=count),
    )
    if request.user.has_perm(RELEASE):
        text = with_undo(request, text, reverse(UNDO, args=[profile.pk]), row.event_id)
    messages.success(request, text)
    return own.go_back(profile)


def undo_address(request: HttpRequest, profile: Profile, act: BulkAct | None) -> str:
    """Where this operator takes a change back for a person; empty: they cannot."""
    actor = request.user.get_username()
    may = request.user.has_perm(RELEASE) and undoing.can_undo_for(act, actor)
    return reverse(UNDO, args=[profile.pk]) if may else ""


@page(
    Profile,
    "undo_quarantine",
    "audiences.view_profile",
    RELEASE,
    route="<int:pk>/quarantine/undo/",
    method="POST",
)
def undo(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Take back what this operator did to the person's addresses a moment ago."""
    given = request.POST.get("event", "")
    number = int(given) if given.isascii() and given.isdigit() else 0
    decided = QuarantineAction.objects.filter(pk=min(number, 2**63 - 1))
    act = BulkAct.objects.filter(pk__in=decided.values("act_id")).first()
    try:
        if act is None:
            raise undoing.NotUndone(_("You may not undo this."))
        became = undoing.undo_for(act, profile, actor=request.user.get_username())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return own.go_back(profile)
    if became == undoing.Outcome.UNDONE:
        text = gettext_noop("Undone: {who} can be reached again as before.")
        return own.say_done(request, profile, Sentence(text, {"who": str(profile)}))
    own.log_change(request, profile, gettext_noop("Undone as far as it could be."))
    messages.warning(
        request,
        _(
            "Not everything of it could be undone: something happened to an address "
            "since, or the data is restricted. What happened says which."
        ),
    )
    return own.go_back(profile)
