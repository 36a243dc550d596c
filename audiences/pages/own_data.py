"""What people ask about their own data (GDPR 15 to 21), and fetching it.

Asking needs a fresh personal link, which went to the person's own mailbox. The page for
anybody mails one; nothing on it tells whether somebody is known. What is fetched is
behind a link that only the answer's mail has.
"""

from datetime import date
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format

from audiences import landing_pages, links, privacy
from audiences.channels import Channel
from audiences.consent import Source
from audiences.landing_pages import Content
from audiences.models import LandingPage, LandingPageVersion, PrivacyRequest
from audiences.privacy import requests
from audiences.signups.mailing_links import OWN_DATA
from audiences.visits.visit import Visit, identified
from audiences.wording import page_texts

from . import outcomes, rendering, unidentified, visitors
from .middleware import public
from .page_form import PageForm
from .rendering import Shown

Kind = PrivacyRequest.Kind
LONGEST = 4_000


class RequestForm(PageForm):
    """What is asked for, and what there is to know about it."""

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, language=language, **kwargs)
        self.fields["kind"] = forms.ChoiceField(
            label=self.text("privacy.kind"),
            choices=[(kind, self.text(f"privacy.kinds.{kind}")) for kind in Kind],
            widget=forms.RadioSelect,
        )
        self.fields["text"] = forms.CharField(
            label=self.text("privacy.text"),
            help_text=self.text("privacy.text_hint"),
            max_length=LONGEST,
            required=False,
            widget=forms.Textarea(attrs={"rows": 4}),
        )

    def clean(self) -> None:
        super().clean()
        says = str(self.cleaned_data.get("text", "")).strip()
        if self.cleaned_data.get("kind") == Kind.CORRECTION and not says:
            self.add_error("text", self.text("privacy.text_needed"))


@public
def anybody(request: HttpRequest) -> HttpResponse:
    """Without a personal link: the page mails one to whoever is known."""
    content = _content()
    version = LandingPageVersion(page_slug=OWN_DATA, content=content)
    return unidentified.answer(request, version)


@public
def personal(request: HttpRequest, token: str) -> HttpResponse:
    """The form, and after a POST when there will be an answer."""
    link = links.read_page_token(token, OWN_DATA)
    if request.method != "POST":
        visit = identified(link, LandingPage.Kind.PREFERENCES)
        told = outcomes.read(request)
        if told and visit.shows:
            return _show(request, visit, lambda _visit, code: _sent(told, code))
        return _show(request, visit, _before)
    visitors.require_own_page(request)
    data = visitors.posted(request)
    with transaction.atomic():
        visit = identified(link, LandingPage.Kind.PREFERENCES, lock=True)
        language = _language(request, visit, _content())
        asked = _asked(request, visit, language, data)
        if isinstance(asked, dict):
            if leads_on := outcomes.leads_on(request, data, language, asked):
                return leads_on
            asked = _sent(asked, language)
        return _show(request, visit, lambda _visit, _language: asked)


def _show(request: HttpRequest, visit: Visit, page: Any) -> HttpResponse:
    content = _content()
    language = _language(request, visit, content)
    return rendering.show(request, content, language, page(visit, language))


def _language(request: HttpRequest, visit: Visit, content: Content) -> str:
    person = visit.profile.language if visit.shows else ""
    return rendering.page_language(request, rendering.spoken(content), person)


def _before(visit: Visit, language: str) -> Shown:
    return _form_page(visit, language, RequestForm(language=language))


def _asked(
    request: HttpRequest, visit: Visit, language: str, data: Any
) -> Shown | outcomes.Facts:
    """What was asked, as facts; or the form that comes back."""
    form = RequestForm(data, language=language)
    if visit.proved != Channel.EMAIL or not form.is_valid():
        return _form_page(visit, language, form)
    made = requests.ask(
        visit.profile,
        form.cleaned_data["kind"],
        form.cleaned_data["text"],
        sent_to=visit.link.sent_to,
        language=language,
        origin=visitors.origin(request, Source.LANDING_PAGE),
    )
    return {"kind": made.kind, "due": made.due_on.isoformat()}


def _sent(told: outcomes.Facts, language: str) -> Shown:
    which = "sent_objection" if told["kind"] == Kind.OBJECTION else "sent"
    with translation.override(language):
        day = date_format(date.fromisoformat(told["due"]), "DATE_FORMAT")
    return Shown(
        page_texts.text(language, "privacy.sent_title"),
        page_texts.text(language, f"privacy.{which}", date=day),
        is_done=True,
    )


def _form_page(visit: Visit, language: str, form: RequestForm) -> Shown:
    shown = Shown(page_texts.text(language, "privacy.title"))
    if visit.proved != Channel.EMAIL:
        shown.body = page_texts.text(language, "privacy.stale")
        shown.link_request_url = reverse("pages:own_data")
        return shown
    shown.body = page_texts.text(language, "privacy.introduction")
    if visit.address:
        shown.about = page_texts.text(
            language, "page.about_address", address=visit.address
        )
    shown.form, shown.button = form, page_texts.text(language, "privacy.button")
    return shown


@public
def fetch(request: HttpRequest, token: str) -> HttpResponse:
    """A button, and behind it everything about the person as one file.

    Mail scanners open links: nothing is put together until the button is pressed.
    """
    profile = privacy.fetched(token)
    if request.method == "POST":
        visitors.require_own_page(request)
        name = f"your-data-{profile.pk}.zip"
        return HttpResponse(
            privacy.zip_of(profile),
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    content = _content()
    language = rendering.page_language(
        request, rendering.spoken(content), profile.language
    )
    shown = Shown(
        page_texts.text(language, "privacy.download_title"),
        page_texts.text(language, "privacy.download"),
        button=page_texts.text(language, "privacy.download_button"),
    )
    return rendering.show(request, content, language, shown)


def _content() -> Content:
    """The built-in page, under a name of its own."""
    content = landing_pages.built_in_content(LandingPage.Kind.PREFERENCES)
    content["slug"], content["allows_unidentified"] = OWN_DATA, True
    for language, texts in content["texts"].items():
        texts["title"] = page_texts.text(language, "privacy.title")
    return content
