"""Pages of the protection officer about one person: access, requests, erasure."""

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop

from audiences import privacy, roles
from audiences.admin.people import bulk_acts, panels
from audiences.consent import Origin, Source
from audiences.console import exact
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import PrivacyRequest, Profile
from audiences.privacy import many, requests
from audiences.records import console_log
from audiences.refusals import Refused
from audiences.selections import filters

from .forms import EraseForm, RecordForm

ACCESS = ("view", roles.ANSWER, roles.SEE_ADDRESSES)
ERASE = ("view", roles.ERASE, roles.SEE_ADDRESSES)


@page(Profile, "access", *ACCESS, method="POST")
def access(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Everything about the person as one file; who took it away is on record."""
    own.log_change(request, profile, gettext_noop("Took away all data of the person."))
    return HttpResponse(
        privacy.zip_of(profile),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="profile-{profile.pk}.zip"',
            "Cache-Control": "no-store",
        },
    )


@page(
    Profile,
    "privacy_request",
    "view",
    roles.ANSWER,
    title=gettext_lazy("Record a privacy request"),
    template="admin/audiences/profile/privacy_request.html",
)
def record(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """What the person wrote or said; an objection acts at once."""
    form = RecordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = requests.record(
                profile, actor=request.user.get_username(), **form.cleaned_data
            )
        except Refused as error:
            form.add_error("received_at", str(error))
        else:
            own.log_change(
                request,
                profile,
                console_log.kept(
                    gettext_noop("Privacy request #{number}"), number=made.pk
                ),
            )
            return redirect("admin:audiences_privacyrequest_change", made.pk)
    return {"profile": profile, "form": form, "button": _("Record it")}


@page(
    Profile,
    "erase",
    *ERASE,
    title=gettext_lazy("Erase this person"),
    template="admin/audiences/profile/erase.html",
)
def erase(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """What goes and what stays; a POST erases."""
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        pk, given = profile.pk, form.cleaned_data
        origin = Origin(
            source=Source.OPERATOR,
            actor=request.user.get_username(),
            note=given["note"],
        )
        try:
            privacy.erase(profile, reason=given["reason"], origin=origin)
        except Refused as error:
            form.add_error(None, str(error))
        else:
            LogEntry.objects.create(
                user_id=request.user.pk or 0,
                content_type=ContentType.objects.get_for_model(Profile),
                object_id=str(pk),
                object_repr=f"#{pk}",
                action_flag=CHANGE,
                change_message=gettext_noop("Erased."),
            )
            messages.success(request, _("Profile #{pk} was erased.").format(pk=pk))
            return redirect("admin:audiences_profile_changelist")
    return {"profile": profile, "form": form, "plan": privacy.plan(profile)}


@page(
    Profile,
    "erase_many",
    *ERASE,
    route="erase/",
    title=gettext_lazy("Erase people"),
    template="admin/audiences/profile/erase_many.html",
)
def erase_many(own: PlainAdmin, request: HttpRequest) -> Answer:
    """Whom a selection is about; a POST asks for their erasure."""
    exact.only(request, *filters.FILTERS)
    chosen = filters.read(request.GET)
    people = filters.select(chosen) if chosen else Profile.objects.none()
    ids = list(people.order_by("pk").values_list("pk", flat=True)[: many.MOST + 1])
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            run = many.ask(
                ids,
                actor=request.user.get_username(),
                note=given["note"],
                reason=given["reason"],
            )
        except Refused as error:
            form.add_error(None, str(error))
        else:
            return redirect("admin:audiences_erasurerun_change", run.pk)
    return {
        "form": form,
        "people": len(ids),
        "who": filters.in_words(chosen, bulk_acts.service_labels()) if chosen else "",
        "needs_two": many.needs_two(len(ids), request.user.get_username()),
        "most_alone": many.MOST_ALONE,
        "back": reverse("admin:audiences_profile_changelist"),
    }


bulk_acts.elsewhere.add(
    "erase",
    bulk_acts.Elsewhere(
        "erase",
        gettext_lazy("Erase"),
        roles.ERASE,
        "admin:audiences_profile_erase_many",
    ),
)


def panel(request: HttpRequest, profile: Profile) -> panels.Panel | None:
    """The requests of a person, and what the officer may do, on the person's page."""
    if not request.user.has_perm("audiences.view_privacyrequest"):
        return None
    rows = PrivacyRequest.objects.filter(profile_id=profile.pk)[: panels.SHOWN]
    return panels.Panel(
        _("Privacy"),
        template="admin/audiences/profile/privacy_panel.html",
        facts={
            "requests": [
                (row, date_format(localtime(row.received_at), "SHORT_DATE_FORMAT"))
                for row in rows
            ],
            "may_answer": request.user.has_perm(roles.ANSWER),
        },
    )


def _button(
    request: HttpRequest, deed: panels.Deed, permission: str
) -> panels.Deed | None:
    may = request.user.has_perms([permission, roles.SEE_ADDRESSES])
    return deed if may else None


def export_button(request: HttpRequest, profile: Profile) -> panels.Deed | None:
    """All data of the person as a file."""
    url = reverse("admin:audiences_profile_access", args=[profile.pk])
    deed = panels.Deed("access", _("Export"), url, is_post=True)
    return _button(request, deed, roles.ANSWER)


def erase_button(request: HttpRequest, profile: Profile) -> panels.Deed | None:
    url = reverse("admin:audiences_profile_erase", args=[profile.pk])
    deed = panels.Deed("erase", _("Erase…"), url, is_danger=True)
    return _button(request, deed, roles.ERASE)


panels.extensions.panels.add("privacy", panel)
panels.extensions.deeds.add("export", export_button)
panels.extensions.deeds.add("erase", erase_button)
