"""How a public page is shown: its language, its texts, and what is true now."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation.trans_real import parse_accept_lang_header

from audiences import landing_pages, links
from audiences.landing_pages import Content
from audiences.landing_pages.contents import Texts
from audiences.links import Undo
from audiences.models import LandingPage
from audiences.pages import brand
from audiences.visits.opting_out import has_address_to_stop
from audiences.visits.undoing import Undone
from audiences.visits.visit import Done, Standing, Visit, has_nothing_to_do
from audiences.wording import page_texts
from audiences.wording.markdown import sanitise

from .forms import PageForm
from .state_lines import service_line, state

Kind = LandingPage.Kind


@dataclass
class Shown:
    """What a template needs besides the texts; empty parts are left out."""

    title: str
    body: SafeString | str = ""
    about: str = ""
    notices: list[str] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    form: PageForm | None = None
    button: str = ""
    undo: str = ""
    link_request_url: str = ""
    # Where a person who is opted out allows a channel again.
    preferences_url: str = ""
    contact: SafeString | str = ""
    proof_of_work: dict[str, Any] | None = None
    # After an act, so that screen readers say what has happened.
    is_done: bool = False


def page_language(request: HttpRequest, offered: list[str], person: str = "") -> str:
    """The language of a page: `?lang=`, the profile's, the browser's, the first one."""
    # A version may have a language whose file of texts is gone since.
    offered = [code for code in offered if code in dict(settings.LANGUAGES)] or offered
    wanted = [request.GET.get("lang", ""), person]
    header = request.headers.get("Accept-Language", "")
    wanted += [code for code, _weight in parse_accept_lang_header(header)]
    for code in wanted:
        found = page_texts.closest(code[:35], offered)
        if found:
            return found
    return offered[0]


def show(
    request: HttpRequest,
    content: Content,
    language: str,
    shown: Shown,
    *,
    status: int = 200,
) -> HttpResponse:
    """The answer with a page in its language."""
    # The page that asks for a proof of work is the only one that runs a script of ours.
    needs_script = shown.proof_of_work is not None
    codes = content["languages"]
    names = dict(settings.LANGUAGES)
    with translation.override(language):
        response = render(
            request,
            "pages/unidentified.html" if needs_script else "pages/page.html",
            {
                "shown": shown,
                "language": language,
                "languages": [(c, names[c]) for c in codes if c in names],
                "texts": page_texts.texts(language),
                "brand_url": brand.stylesheet_url(content),
                "logo_url": brand.logo_url(content),
            },
            status=status,
        )
        response["Content-Language"] = language
    response.needs_script = needs_script  # type: ignore[attr-defined]
    return response


def texts_of(content: Content, language: str) -> Texts:
    """The operator's texts in a language of the page."""
    return content["texts"][language]


def filled(html: str, **values: str) -> SafeString:
    """An operator's text as HTML: sanitised again, its places filled, escaped."""
    escaped = {name: escape(value) for name, value in values.items()}
    return mark_safe(page_texts.fill(sanitise(html), **escaped))  # noqa: S308


# ---------------------------------------------------------------- a visit
def _places(visit: Visit, language: str) -> dict[str, str]:
    """What fills the places of a page's texts: what it is about, and the address."""
    if visit.service:
        about = visit.service.label_in(language)
    else:
        about = page_texts.text(language, f"messages.{visit.scope}")
    return {"messages": about, "address": visit.address}


def _page(visit: Visit, language: str, body: str) -> Shown:
    """A page of a visit with one of its texts, and nothing else yet."""
    texts, values = texts_of(visit.content, language), _places(visit, language)
    shown = Shown(page_texts.fill(texts["title"], **values))
    if body:
        shown.body = filled(texts["html"][body], **values)
    if visit.address:
        shown.about = page_texts.text(
            language, "page.about_address", address=visit.address
        )
    return shown


def before(
    visit: Visit, standing: Standing, language: str, form: PageForm | None
) -> Shown:
    """The page before the act."""
    shown = _page(visit, language, "introduction")
    button = texts_of(visit.content, language)["button"]
    shown.form = form
    shown.button = page_texts.fill(button, **_places(visit, language))
    if visit.kind in LandingPage.BUTTON_KINDS:
        if has_nothing_to_do(visit, standing):
            _say_that_it_has_stopped(shown, visit, standing, language)
        return shown
    if not visit.link.is_fresh:
        shown.notices.append(page_texts.text(language, "page.stale"))
        _offer_fresh_link(shown, visit, language)
        if visit.kind == Kind.SUBSCRIPTION:
            shown.form, shown.button = None, ""
    if visit.kind in LandingPage.CHOICE_KINDS and standing.stopped_all:
        shown.state = [page_texts.text(language, "state.gets_nothing")]
    # An unticked box alone would say that nobody has asked for it.
    asked = [*standing.offered, *filter(None, [visit.service])]
    shown.notices += [
        service_line(visit.link.profile_id, standing, service, language)
        for service in asked
        if service.pk in standing.pending
    ]
    return shown


def _say_that_it_has_stopped(
    shown: Shown, visit: Visit, standing: Standing, language: str
) -> None:
    """Instead of a button; one is left where an address has still to be stopped."""
    shown.state, shown.body = state(visit, standing, language), ""
    if not visit.service and has_address_to_stop(visit):
        others = page_texts.text(language, "state.address_not_stopped")
        shown.state.append(others)
    else:
        shown.form, shown.button = None, ""


def after(language: str, done: Done) -> Shown:
    """The confirmation: what is true now, and how to undo it."""
    visit = done.visit
    shown = _page(visit, language, "confirmation")
    shown.state, shown.is_done = state(visit, done.standing, language), True
    if done.stopped_address:
        shown.state.append(page_texts.text(language, "state.address_stopped"))
    for service in done.closed:
        label = service.label_in(language)
        shown.notices.append(
            page_texts.text(language, "page.service_closed", service=label)
        )
    if done.left_out:
        # The confirmation would say that everything was done.
        shown.body = ""
        shown.notices.append(page_texts.text(language, "page.stale_kept"))
        _offer_fresh_link(shown, visit, language)
    if 0 < len(done.event_ids) <= MOST_UNDONE:
        shown.undo = links.undo_token(
            Undo(visit.link.profile_id, done.event_ids, done.stopped_address)
        )
    return shown


# The most events that fit into a token; no page changes more at once.
MOST_UNDONE = 100


def after_undo(
    visit: Visit, standing: Standing, language: str, undone: Undone
) -> Shown:
    """The page after an undo: whether it is as before, and what is true now."""
    shown = _page(visit, language, "")
    shown.body = page_texts.text(language, f"page.undone_{undone.value}")
    shown.state, shown.is_done = state(visit, standing, language), True
    return shown


def _offer_fresh_link(shown: Shown, visit: Visit, language: str) -> None:
    """Lead to the page that mails a fresh link, else to somebody who can help."""
    if visit.content["slug"] and visit.content["allows_unidentified"]:
        page = visit.content["slug"]
        shown.link_request_url = reverse("pages:anybody", args=[page])
    else:
        shown.contact = contact(language)


def contact(language: str) -> SafeString | str:
    """Where to write when a page leads no further; empty without CONTACT_EMAIL."""
    mailbox = settings.CONTACT_EMAIL
    if not mailbox:
        return ""
    link = format_html('<a href="mailto:{}">{}</a>', quote(mailbox, "@+"), mailbox)
    words = escape(page_texts.text(language, "page.contact"))
    return mark_safe(page_texts.fill(words, mailbox=link))  # noqa: S308


# ---------------------------------------------------------------- pages without a visit
def closed_page(content: Content, language: str, status: str) -> Shown:
    """A page that is not open yet, or not any more."""
    if status == LandingPage.Status.SCHEDULED:
        with translation.override(language):
            opens = timezone.localtime(
                datetime.fromisoformat(content["opens_at"] or "")
            )
            date = date_format(opens, "DATETIME_FORMAT", use_l10n=True)
        return Shown(
            title=page_texts.text(language, "closed.title_not_open"),
            body=page_texts.text(language, "closed.text_not_open", date=date),
        )
    html = texts_of(content, language)["html"]["expired"]
    return Shown(title=page_texts.text(language, "closed.title"), body=filled(html))


# Pages from which a visitor cannot go on alone.
DEAD_ENDS = ("bad_link", "not_found")


def notice_page(request: HttpRequest, name: str, status: int) -> HttpResponse:
    """One of the built-in pages that say why there is nothing else: `bad_link` …

    The same for everybody: nothing in it depends on the address that was asked for.
    """
    content = landing_pages.built_in_content(Kind.UNSUBSCRIPTION)
    language = page_language(request, content["languages"])
    shown = Shown(
        title=page_texts.text(language, f"{name}.title"),
        body=page_texts.text(language, f"{name}.text"),
        contact=contact(language) if name in DEAD_ENDS else "",
    )
    return show(request, content, language, shown, status=status)
