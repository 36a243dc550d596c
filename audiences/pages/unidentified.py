"""Visitors without a personal link (L5): they change and learn nothing here.

What they enter goes to `audiences.signups`, which reads no profile; the page answers
the same whether somebody is known or not. A personal link comes by mail.
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from audiences.landing_pages import Content
from audiences.links import BadLink
from audiences.models import LandingPage, LandingPageVersion, Profile, Service
from audiences.models.services import label_of
from audiences.refusals import Refused
from audiences.signups import confirming, links, proof_of_work, signups
from audiences.wording import page_texts

from . import rendering, visitors
from .forms import AddressForm, SignupForm
from .rendering import Shown, filled, texts_of

Kind = LandingPage.Kind
SIGNUP_KINDS = (Kind.ACQUISITION, Kind.SUBSCRIPTION)


def answer(request: HttpRequest, version: LandingPageVersion) -> HttpResponse:
    """The page for anybody: a form for an address, or what it says after it."""
    content = version.content
    language = rendering.page_language(request, content["languages"])
    if not content["allows_unidentified"]:
        shown = Shown(
            title=_title(content, language),
            body=page_texts.text(language, "unidentified.only_personal"),
            contact=rendering.contact(language),
        )
        return rendering.show(request, content, language, shown)
    data = visitors.posted(request) if request.method == "POST" else None
    signs_up = content["kind"] in SIGNUP_KINDS
    if signs_up:
        content = _without_closed(content)
        if content["kind"] == Kind.SUBSCRIPTION and content["service"] is None:
            return rendering.show(
                request, content, language, _closed(version.content, language)
            )
    make = SignupForm if signs_up else AddressForm
    form = make(data, content=content, language=language)
    if data is not None and form.is_valid():
        ask = _ask_to_sign_up if signs_up else _ask_for_link
        if _accepted(request, form, ask, version, data):
            return rendering.show(request, content, language, _sent(content, language))
    return rendering.show(
        request,
        content,
        language,
        _form_page(content, language, form),
        template="pages/unidentified.html",
    )


def look(request: HttpRequest, content: Content) -> HttpResponse:
    """The same for an operator who looks at a page: nothing is asked for."""
    language = rendering.page_language(request, content["languages"])
    if request.method == "POST":
        shown, template = _sent(content, language), "pages/page.html"
    else:
        make = SignupForm if content["kind"] in SIGNUP_KINDS else AddressForm
        form = make(content=content, language=language)
        shown = _form_page(content, language, form)
        template = "pages/unidentified.html"
    shown.notices = [page_texts.text(language, "page.preview_notice")]
    return rendering.show(request, content, language, shown, template=template)


def _without_closed(content: Content) -> Content:
    """The page without the services that take no new subscriptions."""
    asked = [*content["services"], *filter(None, [content["service"]])]
    ids = [facts["id"] for facts in asked]
    closed = Service.objects.filter(pk__in=ids, is_closed=True)
    shut = set(closed.values_list("pk", flat=True)) if ids else set()
    service = content["service"]
    return {
        **content,
        "services": [facts for facts in content["services"] if facts["id"] not in shut],
        "service": None if service and service["id"] in shut else service,
    }


def _closed(content: Content, language: str) -> Shown:
    label = _messages(content, language)
    return Shown(
        title=_title(content, language),
        body=page_texts.text(language, "page.service_closed", service=label),
    )


def _accepted(
    request: HttpRequest, form: Any, ask: Any, version: LandingPageVersion, data: Any
) -> bool:
    """Whether the request was taken; else an error is at the form."""
    try:
        with transaction.atomic():
            proof_of_work.accept(data.get("proof", ""))
            ask(request, form, version)
    except proof_of_work.NotProven:
        form.add_error(None, form.text("unidentified.proof_failed"))
    except Refused:
        form.add_error(None, form.text("page.busy"))
    else:
        return True
    return False


def _ask_for_link(
    request: HttpRequest, form: AddressForm, version: LandingPageVersion
) -> None:
    links.request_link(
        form.cleaned_data["address"],
        page=version.content["slug"],
        kind=version.content["kind"],
        language=form.language,
        network=visitors.network(request),
        found_by=form.by,
    )


def _ask_to_sign_up(
    request: HttpRequest, form: SignupForm, version: LandingPageVersion
) -> None:
    signups.request_signup(
        version,
        form.asked,
        language=form.language,
        network=visitors.network(request),
        ip=visitors.network_address(request),
        user_agent=visitors.user_agent(request),
    )


def _form_page(content: Content, language: str, form: Any) -> Shown:
    if content["kind"] in SIGNUP_KINDS:
        html = texts_of(content, language)["html"]["introduction"]
        body: Any = filled(html, messages=_messages(content, language), address="")
        button = _signup_button(content, language)
    else:
        body = page_texts.text(language, "unidentified.introduction")
        button = page_texts.text(language, "unidentified.button")
    return Shown(
        title=_title(content, language),
        body=body,
        form=form,
        button=button,
        proof_of_work={
            "challenge": proof_of_work.challenge(),
            "contact": settings.CONTACT_EMAIL,
            "without_script": _without_script(language),
        },
    )


def _signup_button(content: Content, language: str) -> str:
    """The operator's words; the built-in ones for people who are known say "Save"."""
    button = str(texts_of(content, language)["button"])
    built_in = page_texts.text(language, f"kinds.{Kind.ACQUISITION}.button")
    if content["kind"] == Kind.ACQUISITION and button == built_in:
        return page_texts.text(language, "unidentified.signup_button")
    return page_texts.fill(button, messages=_messages(content, language))


def _without_script(language: str) -> str:
    mailbox = settings.CONTACT_EMAIL
    which = "without_script" if mailbox else "without_script_no_mailbox"
    return page_texts.text(language, f"unidentified.{which}", mailbox=mailbox)


def _sent(content: Content, language: str) -> Shown:
    signs_up = content["kind"] in SIGNUP_KINDS
    which = "unidentified.signup_sent" if signs_up else "unidentified.sent"
    return Shown(
        title=page_texts.text(language, "unidentified.sent_title"),
        body=page_texts.text(language, which),
        is_done=True,
    )


def _title(content: Content, language: str) -> str:
    title = texts_of(content, language)["title"]
    return page_texts.fill(title, messages=_messages(content, language))


def _messages(content: Content, language: str) -> str:
    if content["service"]:
        return label_of(content["service"], language)
    return page_texts.text(language, "messages.any")


# ---------------------------------------------------------------- the link in the mail
def confirm(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Behind the link of a sign-up mail: GET shows a button, POST confirms (S6)."""
    asked = signups.read_confirmation(token)
    if asked.version.page_slug != slug:
        raise BadLink
    content = asked.version.content
    language = rendering.page_language(request, content["languages"], asked.language)
    if request.method == "POST":
        done = confirming.confirm_signup(
            token,
            ip=visitors.network_address(request),
            user_agent=visitors.user_agent(request),
        )
        if done.profile is None:
            return rendering.notice_page(request, "gone", 200)
        shown = _confirmed(content, language, done.profile, is_first=done.is_first)
    else:
        shown = Shown(
            title=page_texts.text(language, "confirm.title"),
            body=page_texts.text(language, "confirm.text"),
            button=page_texts.text(language, "confirm.button"),
        )
    return rendering.show(request, content, language, shown)


def _confirmed(
    content: Content, language: str, profile: Profile, *, is_first: bool
) -> Shown:
    which = "confirm.done" if is_first else "confirm.again"
    html = texts_of(content, language)["html"]["confirmation"]
    return Shown(
        title=page_texts.text(language, which),
        body=filled(html, messages=_messages(content, language), address=""),
        state=rendering.state_of(content, profile, language),
        is_done=True,
    )
