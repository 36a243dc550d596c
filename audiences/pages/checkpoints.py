"""The public list of checkpoints, for whoever wants to keep some."""

from django.http import Http404, HttpRequest, HttpResponse

from audiences import landing_pages, ledger
from audiences.models import LandingPage, LedgerCheckpoint
from audiences.wording import page_texts

from . import rendering
from .middleware import public
from .rendering import Shown

SHOWN = 50


@public
def listed(request: HttpRequest) -> HttpResponse:
    """The newest checkpoints, the public key, and where older ones are."""
    content = landing_pages.built_in_content(LandingPage.Kind.UNSUBSCRIPTION)
    language = rendering.page_language(request, rendering.spoken(content))
    rows = LedgerCheckpoint.objects.order_by("-size")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(size__lt=int(before))
    found = list(rows[: SHOWN + 1])
    return rendering.show(
        request,
        content,
        language,
        Shown(page_texts.text(language, "ledger.title")),
        template="pages/ledger.html",
        more={
            "rows": [
                {
                    "size": row.size,
                    "made_at": row.made_at,
                    "root": row.note.split("\n")[2],
                }
                for row in found[:SHOWN]
            ],
            "key": _key(),
            "older": found[SHOWN - 1].size if len(found) > SHOWN else 0,
        },
    )


def _key() -> str:
    try:
        return str(ledger.public_key())
    except ledger.NoLedgerKey:
        return ""


@public
def newest(request: HttpRequest) -> HttpResponse:
    """The newest checkpoint as text, where readers of such logs look for it (C2SP)."""
    return _note(ledger.newest())


@public
def one(request: HttpRequest, size: str) -> HttpResponse:
    """The checkpoint of so many leaves."""
    return _note(LedgerCheckpoint.objects.filter(size=int(size)).first())


def _note(checkpoint: LedgerCheckpoint | None) -> HttpResponse:
    if checkpoint is None:
        raise Http404
    return HttpResponse(checkpoint.note, content_type="text/plain; charset=utf-8")
