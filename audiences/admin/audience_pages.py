"""Audiences that are made otherwise than by their form: of a list, of a file."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy

from audiences import conditions, membership
from audiences.admin.people.bulk_acts import how_many, service_labels
from audiences.admin.people.import_forms import UploadForm
from audiences.admin.people.imports import COUNTS, upload_page
from audiences.audience_lists import check_name
from audiences.console import errors, exact, masking
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.imports.kinds import kinds
from audiences.models import Audience, ImportRun, Profile
from audiences.refusals import Refused, Remedy
from audiences.selections import filters
from audiences.selections.as_conditions import as_condition

ADD = "audiences.add_audience"
COUNTS["added"] = gettext_lazy("put on the list")


class NameForm(forms.Form):
    """What an audience is to be called."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
    )


@page(
    Profile,
    "save_as_audience",
    "view",
    ADD,
    route="save-as-audience/",
    title=gettext_lazy("Save as an audience"),
)
def save_as_audience(own: PlainAdmin, request: HttpRequest) -> Answer:
    """The filters of a list as a condition; or the people in it now, as a list."""
    exact.only(request, *filters.FILTERS)
    chosen = filters.read(request.GET)
    masking.count_search(request, chosen.get("q", ""))
    said = as_condition(chosen)
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = " ".join(form.cleaned_data["name"].split())
        try:
            audience = _made(name, chosen, said.tree, request.POST.get("as", ""))
        except Refused as refusal:
            errors.refuse(form, "name", refusal)
        else:
            own.log_addition(request, audience, [{"added": {}}])
            return redirect("admin:audiences_audience_change", audience.pk)
    return {
        "form": form,
        "who": filters.in_words(chosen, service_labels()),
        "people": how_many(chosen),
        "sentence": conditions.sentence(said.tree) if said.tree else "",
        "unsaid": said.unsaid,
        "is_everybody": not chosen,
        "back": f"{reverse('admin:audiences_profile_changelist')}?{urlencode(chosen)}",
    }


def _made(name: str, chosen: filters.Chosen, tree: Any, how: str) -> Audience:
    """By condition where that was asked for and can be said, else as a list."""
    if how == "condition" and tree:
        return membership.create_with_condition(name, tree)
    return membership.list_of_people(name, filters.select(chosen))


class ListForm(UploadForm):
    """A file of people, and what the audience is to be called."""

    kind = "list"
    title = gettext_lazy("Audience from a file")
    lead = gettext_lazy("Each row names a person who is known already. Columns:")
    columns = ("id", "external_id", "email")

    audience = forms.CharField(
        label=gettext_lazy("Name of the audience"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    field_order = ("audience", "file", "encoding", "sheet")

    def clean_audience(self) -> str:
        name = " ".join(self.cleaned_data["audience"].split())
        if taken := Audience.objects.filter(name=name).first():
            text = _("There is an audience “{name}” already: choose another name.")
            remedy = Remedy("audience", taken.pk)
            raise errors.Fault(text.format(name=name), remedy=remedy)
        try:
            return check_name(name)
        except Refused as refusal:
            raise errors.Fault(str(refusal), remedy=refusal.remedy) from refusal

    def choices(self) -> dict[str, Any]:
        return {"details": self.details("audience")}


@page(ImportRun, "list", *kinds["list"].permissions, route="add/list/")
def add_list(owner: PlainAdmin, request: HttpRequest) -> Answer:
    return upload_page(owner, request, ListForm)
