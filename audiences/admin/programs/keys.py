"""Keys of the API in the console: made, shown once, rotated, revoked."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop

from audiences import api_keys
from audiences.api_keys import accounts
from audiences.api_keys.scopes import SCOPES
from audiences.console.lists import LogWithPages
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.models import ApiKey
from audiences.refusals import Refused, Sentence

SEES_ALL_ACTS = "admin.view_logentry"


@admin.register(ApiKey)
class ApiKeyAdmin(LogWithPages):
    """Each with a page that says what it may do, and ends it."""

    page_template = "admin/audiences/apikey/page.html"
    list_display = ("name", "state", "created_at", "expires_at", "last_used_at")
    search_fields = ("name",)

    @admin.display(description=gettext_lazy("state"))
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return _("Revoked")
        has_ended = key.expires_at and key.expires_at <= timezone.now()
        return _("Expired") if has_ended else _("In use")

    def beside(self, request: HttpRequest, row: ApiKey) -> Facts:
        return {
            "title": _("API key {name}").format(name=row.name),
            "key": row,
            "state": self.state(row),
            "secrets": row.secrets.order_by("-pk"),
            "acts": _acts(row) if request.user.has_perm(SEES_ALL_ACTS) else "",
            "may_change": request.user.has_perm("audiences.change_apikey")
            and row.revoked_at is None,
        }


def _acts(key: ApiKey) -> str:
    """Where stands what was done with it."""
    asked = urlencode({"who": accounts.name_of(key), "days": 30})
    return f"{reverse('admin:audiences_profile_activity')}?{asked}"


class KeyForm(forms.Form):
    """What a new key may do."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=gettext_lazy("What the history calls the program."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=[(scope, scope) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Expires after days"),
        required=False,
        min_value=1,
        max_value=3650,
        help_text=gettext_lazy("Empty: it counts until it is revoked."),
    )
    networks = forms.CharField(
        label=gettext_lazy("Networks"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy(
            "Where it may be used from, such as 192.0.2.0/24, with commas between "
            "them. Empty: anywhere."
        ),
    )
    rate = ApiKey._meta.get_field("rate").formfield(min_value=1, max_value=1_000_000)


@page(
    ApiKey,
    "make",
    "audiences.add_apikey",
    route="make/",
    title=gettext_lazy("Make a key"),
)
def make(own: PlainAdmin, request: HttpRequest) -> Answer:
    """A key, and its secret on the page that answers: it is not shown again."""
    form = KeyForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return {"form": form}
    given: dict[str, Any] = form.cleaned_data
    try:
        shown = api_keys.create(
            given["name"],
            given["scopes"],
            actor=request.user.get_username(),
            days=given["days"],
            networks=[text for text in given["networks"].split(",") if text.strip()],
            rate=given["rate"],
        )
    except Refused as error:
        form.add_error(None, str(error))
        return {"form": form}
    own.log_addition(request, shown.key, gettext_noop("Made."))
    return {"shown": shown, "key": shown.key}


@page(ApiKey, "rotate", "view", "audiences.change_apikey", method="POST")
def rotate(own: PlainAdmin, request: HttpRequest, key: ApiKey) -> Answer:
    """A new secret; the former one counts for another day."""
    try:
        shown = api_keys.rotate(key)
    except Refused as error:
        messages.error(request, str(error))
        return own.go_back(key)
    own.log_change(request, key, gettext_noop("A new secret."))
    facts = {"title": _("A new secret"), "shown": shown, "key": key, "row": key}
    return own.respond(request, "admin/audiences/apikey/make.html", **facts)


@page(ApiKey, "revoke", "view", "audiences.change_apikey", method="POST")
def revoke(own: PlainAdmin, request: HttpRequest, key: ApiKey) -> Answer:
    """End it at once."""
    api_keys.revoke(key, actor=request.user.get_username())
    return own.say_done(request, key, Sentence(gettext_noop("The key is revoked.")))
