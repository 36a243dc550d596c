"""How a public page is shown: its language, its texts, and what is true now."""

import re
from collections.abc import Mapping
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

from audiences import landing_pages, organisation
from audiences.landing_pages import Content
from audiences.landing_pages.contents import Texts
from audiences.models import LandingPage
from audiences.pages import brand
from audiences.signups.mailing_links import OWN_DATA
from audiences.wording import page_texts
from audiences.wording.markdown import sanitise

from .page_form import PageForm

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
    # What is recorded of this person, behind the same link.
    why_url: str = ""
    contact: SafeString | str = ""
    proof_of_work: dict[str, Any] | None = None
    # What the button of the form says, beside its fields.
    act: str = "act"
    # After an act, so that screen readers say what has happened.
    is_done: bool = False
    # Where the same link chooses, and stops everything; after an act by one button.
    choose_url: str = ""
    everything_url: str = ""
    # What is less than nothing: shown with the messages that it is about.
    less: str = ""
    # The undo of the act, as the forms below name it, and that of an act before.
    act_token: str = ""
    earlier: str = ""
    undoes_earlier: bool = False
    reason_form: PageForm | None = None
    has_stopped_all: bool = False
    # The channels for which there is no address.
    unreachable: str = ""
    # What somebody asked for, where the confirmation lists it.
    asks: list[str] = field(default_factory=list)


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


def spoken(content: Content) -> list[str]:
    """The languages of a page; of one that nobody made, those of the organisation."""
    codes = content["languages"]
    if content["slug"] not in ("", OWN_DATA):
        return codes
    own = organisation.last_known().languages
    return [code for code in own if code in codes] or codes


def show(
    request: HttpRequest,
    content: Content,
    language: str,
    shown: Shown,
    *,
    status: int = 200,
    template: str = "",
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The answer with a page in its language.

    `template` is that of another page, with `more` that it needs.
    """
    # The page that asks for a proof of work is the only one that runs a script of ours.
    needs_script = shown.proof_of_work is not None
    codes = spoken(content)
    names = dict(settings.LANGUAGES)
    sender = organisation.last_known()
    # Told in another language as well; `outcomes` alone reads it.
    outcome = request.GET.get("done", "")
    with translation.override(language):
        response = render(
            request,
            template or f"pages/{'unidentified' if needs_script else 'page'}.html",
            {
                **(more or {}),
                "shown": shown,
                "language": language,
                "languages": [(c, names[c]) for c in codes if c in names],
                "outcome": outcome if shown.is_done else "",
                "texts": page_texts.texts(language),
                "sender": sender,
                "sender_lines": sender.postal_address.split("\n"),
                "contact_link": contact_link(sender.contact),
                "brand_url": brand.stylesheet_url(content),
                "logo_url": brand.logo_url(content),
                "own_data_url": own_data_url(content),
            },
            status=status,
        )
        response["Content-Language"] = language
    response.needs_script = needs_script  # type: ignore[attr-defined]
    return response


def own_data_url(content: Content) -> str:
    """Where people ask about their own data: told where they set their preferences."""
    is_there = content["kind"] == Kind.PREFERENCES and content["slug"] != OWN_DATA
    return reverse("pages:own_data") if is_there else ""


def texts_of(content: Content, language: str) -> Texts:
    """The operator's texts in a language of the page."""
    return content["texts"][language]


def filled(html: str, **values: str) -> SafeString:
    """An operator's text as HTML: sanitised again, its places filled, escaped.

    No line ends within "e-mail".
    """
    escaped = {name: escape(value) for name, value in values.items()}
    whole = _EMAIL_WORD.sub("\\1\u2011\\2", sanitise(html))
    return mark_safe(page_texts.fill(whole, **escaped))  # noqa: S308


# As a word between tags: not in an address.
_EMAIL_WORD = re.compile(r"(?<![\w@./-])([eE])-([mM]ails?\b)(?![^<]*>)(?!@)")


def contact_link(contact: str) -> str:
    """What opens the way in which people reach the organisation; empty for words."""
    text = contact.strip()
    if re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", text):
        return f"mailto:{quote(text, '@+')}"
    if re.fullmatch(r"\+?[\d ()/.-]{6,}", text):
        return f"tel:{re.sub(r'[^0-9+]', '', text)}"
    return text if text.startswith("https://") else ""


def contact(language: str) -> SafeString | str:
    """Where to write when a page leads no further: CONTACT_EMAIL, or the organisation's
    contact; empty without both."""
    return with_mailbox(language, "page.contact")


def with_mailbox(language: str, text: str) -> SafeString | str:
    """The text that says where to write, with a link; empty where nobody can."""
    mailbox = settings.CONTACT_EMAIL or organisation.last_known().contact.strip()
    if not mailbox:
        return ""
    url = contact_link(mailbox)
    link = format_html('<a href="{}">{}</a>', url, mailbox) if url else escape(mailbox)
    words = escape(page_texts.text(language, text))
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
    language = page_language(request, spoken(content))
    shown = Shown(
        title=page_texts.text(language, f"{name}.title"),
        body=page_texts.text(language, f"{name}.text"),
        contact=contact(language) if name in DEAD_ENDS else "",
    )
    return show(request, content, language, shown, status=status)
