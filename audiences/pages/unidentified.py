"""Visitors without a personal link (L5): they change and learn nothing here.

What they enter goes to `audiences.signups`, which reads no profile; the page answers
the same whether somebody is known or not. A personal link comes by mail.
"""

from enum import Enum

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict

from audiences.landing_pages import Content, ServiceOnPage
from audiences.models import LandingPage, LandingPageVersion
from audiences.refusals import Refused
from audiences.signups import mailing_links, proof_of_work, requesting
from audiences.signups.requesting import SIGNUP_KINDS
from audiences.wording import page_texts

from . import outcomes, rendering, visitors
from .address_forms import AddressForm
from .forms import SignupForm
from .rendering import Shown, filled, texts_of

Kind = LandingPage.Kind


def answer(request: HttpRequest, version: LandingPageVersion) -> HttpResponse:
    """The page for anybody: a form for an address, or what it says after it."""
    content: Content = version.content
    language = rendering.page_language(request, rendering.spoken(content))
    told = outcomes.read(request, within=outcomes.TYPED_LIFE)
    if request.method != "POST" and told:
        shown = _sent(content, language, told["typed"], is_enough=told["is_enough"])
    else:
        answered = _answered(request, version, content, language)
        if isinstance(answered, HttpResponse):
            return answered
        shown = answered
    return rendering.show(request, content, language, shown)


def look(request: HttpRequest, content: Content) -> HttpResponse:
    """The same for an operator who looks at a page: nothing is asked for."""
    language = rendering.page_language(request, rendering.spoken(content))
    if request.method == "POST":
        typed = str(request.POST.get("address") or request.POST.get("email", ""))
        shown = _sent(content, language, typed)
    else:
        shown = _form_page(content, language, _form(None, content, language))
    shown.notices = [page_texts.text(language, "page.preview_notice")]
    return rendering.show(request, content, language, shown)


def _answered(
    request: HttpRequest, version: LandingPageVersion, content: Content, language: str
) -> Shown | HttpResponse:
    """The page, or what leads to the one that says what was sent."""
    shown = Shown(_title(content, language))
    if not content["allows_unidentified"]:
        shown.body = page_texts.text(language, "unidentified.only_personal")
        shown.contact = rendering.contact(language)
        return shown
    data = visitors.posted(request) if request.method == "POST" else None
    if content["kind"] in SIGNUP_KINDS:
        label = messages_of(content, language)
        content = requesting.without_closed(content)
        if content["kind"] == Kind.SUBSCRIPTION and content["service"] is None:
            shown.body = page_texts.text(language, "page.service_closed", service=label)
            return shown
    form = _form(data, content, language)
    if data is not None:
        visitors.require_own_page(request)
        if form.is_valid():
            answer = _taken(request, form, version, data)
            if answer is not Taken.NO:
                typed = form.cleaned_data[form.typed]
                is_enough = answer is Taken.ENOUGH
                facts = {"typed": typed, "is_enough": is_enough}
                if leads_on := outcomes.leads_on(request, data, language, facts):
                    return leads_on
                return _sent(content, language, typed, is_enough=is_enough)
    return _form_page(content, language, form)


class Taken(Enum):
    """Whether a request was taken: `ENOUGH`, there were as many today."""

    YES = "yes"
    ENOUGH = "enough"
    NO = "no"


def _form(
    data: QueryDict | None, content: Content, language: str
) -> SignupForm | AddressForm:
    make = SignupForm if content["kind"] in SIGNUP_KINDS else AddressForm
    return make(data, content=content, language=language)


def _taken(
    request: HttpRequest,
    form: SignupForm | AddressForm,
    version: LandingPageVersion,
    data: QueryDict,
) -> Taken:
    """Whether the request was taken; where it was not, an error is at the form."""
    try:
        with transaction.atomic():
            proof_of_work.accept(str(data.get("proof", "")))
            return Taken.YES if _ask(request, form, version) else Taken.ENOUGH
    except proof_of_work.UsedBefore:
        if _was_just_asked(form, version):
            return Taken.YES  # the button was pressed twice
        form.add_error(None, form.text("unidentified.proof_failed"))
    except proof_of_work.NotProven:
        # Nothing was tried where no script runs: "again" would be no help.
        tried = bool(data.get("proof"))
        failed = form.text("unidentified.proof_failed")
        form.add_error(None, failed if tried else _without_script(form.language))
    except Refused:
        form.add_error(None, form.text("page.busy"))
    return Taken.NO


def _ask(
    request: HttpRequest, form: SignupForm | AddressForm, version: LandingPageVersion
) -> bool:
    network = visitors.network(request)
    if isinstance(form, SignupForm):
        return requesting.request_signup(
            version,
            form.wish,
            language=form.language,
            network=network,
            ip=visitors.network_address(request),
            user_agent=visitors.user_agent(request),
        )
    return mailing_links.request_link(
        form.cleaned_data["address"],
        page=version.content["slug"],
        kind=version.content["kind"],
        language=form.language,
        network=network,
        found_by=form.by,
    )


def _was_just_asked(
    form: SignupForm | AddressForm, version: LandingPageVersion
) -> bool:
    if isinstance(form, SignupForm):
        return requesting.was_just_asked(version, form.wish)
    return mailing_links.was_just_asked(
        form.cleaned_data["address"], page=version.content["slug"], found_by=form.by
    )


def _form_page(
    content: Content, language: str, form: SignupForm | AddressForm
) -> Shown:
    if content["kind"] in SIGNUP_KINDS:
        html = texts_of(content, language)["html"]["introduction"]
        body: str = filled(html, messages=messages_of(content, language), address="")
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
    button = texts_of(content, language)["button"]
    built_in = page_texts.text(language, f"kinds.{Kind.ACQUISITION}.button")
    if content["kind"] == Kind.ACQUISITION and button == built_in:
        return page_texts.text(language, "unidentified.signup_button")
    return page_texts.fill(button, messages=messages_of(content, language))


def _without_script(language: str) -> str:
    """What to do where no script runs: the form cannot be sent."""
    if not rendering.contact(language):
        return page_texts.text(language, "unidentified.without_script_no_mailbox")
    return rendering.with_mailbox(language, "unidentified.without_script")


def _sent(
    content: Content, language: str, typed: str, *, is_enough: bool = False
) -> Shown:
    """What the page says to everybody alike, known or not: what they typed, again."""
    if is_enough:
        return Shown(
            title=page_texts.text(language, "unidentified.enough_title"),
            body=page_texts.text(language, "unidentified.enough"),
            contact=rendering.contact(language),
            is_done=True,
        )
    signs_up = content["kind"] in SIGNUP_KINDS
    which = "unidentified.signup_sent" if signs_up else "unidentified.sent"
    return Shown(
        title=page_texts.text(language, "unidentified.sent_title"),
        body=page_texts.text(language, which, typed=typed),
        is_done=True,
    )


def _title(content: Content, language: str) -> str:
    title = texts_of(content, language)["title"]
    return page_texts.fill(title, messages=messages_of(content, language))


def messages_of(content: Content, language: str) -> str:
    """What a page is about: its service, else messages of any kind."""
    if content["service"]:
        return ServiceOnPage.of(content["service"]).label_in(language)
    return page_texts.text(language, "messages.any")
