"""Behind a personal link: why somebody gets this, what they agreed to, the receipt.

The same link, and no other: nothing here makes a token, so none is fresher than the
one that the person has. GET changes nothing.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.formats import date_format

from audiences import consent, landing_pages, ledger, links, wishes
from audiences.ledger import receipts
from audiences.links import Link
from audiences.models import ConsentEvent, LandingPage
from audiences.records import proof
from audiences.visits.visit import Visit, identified
from audiences.wording import page_texts

from . import rendering
from .middleware import public
from .rendering import Shown
from .state_lines import wish_lines

SHOWN = 100
_SEEN = ("title", "introduction", "agreement", "button")


@public
def of_one_click(request: HttpRequest, token: str) -> HttpResponse:
    """For whoever has the link of a one-click unsubscribe."""
    link = links.read_opt_out_token(token)
    return _answer(request, link, LandingPage.Kind.UNSUBSCRIPTION)


@public
def of_page(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """For whoever has the link to a page."""
    link = links.read_page_token(token, slug)
    return _answer(request, link, link.kind)


def _answer(request: HttpRequest, link: Link, kind: str) -> HttpResponse:
    visit = identified(link, kind)
    if not visit.shows or request.method == "POST":
        raise Http404
    if request.GET.get("as") == "json":
        return _file(visit)
    person = visit.profile.language
    language = rendering.page_language(request, rendering.spoken(visit.content), person)
    events = list(consent.events_of(visit.profile.pk)[: SHOWN + 1])
    words = _words(events[:SHOWN], language)
    with translation.override(language):
        lines = [_line(event, words, language, visit) for event in events[:SHOWN]]
    wished = wish_lines(wishes.of_person(visit.profile.pk), language)
    more = page_texts.text(language, "receipt.more", count=SHOWN)
    return rendering.show(
        request,
        visit.content,
        language,
        Shown(page_texts.text(language, "receipt.title"), state=wished),
        template="pages/receipt.html",
        more={
            "events": lines,
            "more": more if len(events) > SHOWN else "",
            "is_sealed": ledger.is_covered(visit.profile.pk),
        },
    )


def _file(visit: Visit) -> HttpResponse:
    try:
        made = receipts.receipt(visit.profile)
    except receipts.NoReceipt as error:
        raise Http404 from error
    return HttpResponse(
        receipts.as_text(made.data),
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="receipt.json"'},
    )


def _words(events: list[ConsentEvent], language: str) -> dict[str, list[str]]:
    """What the person read, by the name of the wording."""
    found: dict[str, dict[str, Any]] = {
        name: version.content["texts"]
        for name, version in proof.wordings(events).items()
    }
    for kind in LandingPage.Kind:
        texts = {language: landing_pages.built_in_texts(kind, language)}
        found[landing_pages.built_in_name(kind)] = texts
    return {
        name: _texts(texts[page_texts.closest(language, [*texts]) or next(iter(texts))])
        for name, texts in found.items()
    }


def _texts(texts: dict[str, str]) -> list[str]:
    return [texts[name] for name in _SEEN if texts[name]]


def _line(
    event: ConsentEvent, words: dict[str, list[str]], language: str, visit: Visit
) -> dict[str, Any]:
    service = getattr(event, "service", None)
    about = {
        "messages": page_texts.text(language, f"messages.{event.channel}")
        if event.channel
        else "",
        "service": service.label_in(language)
        if service
        else page_texts.text(language, "receipt.service_gone"),
    }
    return {
        "when": _date(event.at),
        "what": page_texts.text(language, f"receipt.{event.kind}", **about),
        "how": page_texts.text(language, f"receipt.source.{event.source}"),
        "words": [
            page_texts.fill(
                text,
                messages=about["messages"] or about["service"],
                address=visit.address,
            )
            for text in words.get(event.wording_version, [])
        ],
        "remarks": list(_remarks(event, language)),
    }


def _remarks(event: ConsentEvent, language: str) -> Iterator[str]:
    if event.recorded_at is None:
        yield page_texts.text(language, "receipt.found")
    elif event.recorded_at - event.at > timedelta(days=1):
        date = _date(event.recorded_at)
        yield page_texts.text(language, "receipt.late", date=date)


def _date(at: Any) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT", use_l10n=True)
