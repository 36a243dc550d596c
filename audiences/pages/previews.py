"""Pages as visitors will see them, for operators: to look at and to try, for nothing.

Everything happens in a transaction that is rolled back, also what a POST does. So a
preview is the page itself, and nothing is changed.
"""

from dataclasses import replace

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from audiences.channels import Channel
from audiences.landing_pages import Content
from audiences.links import Link
from audiences.masking import masked
from audiences.models import LandingPage, Profile
from audiences.visits.standing import standing_of
from audiences.visits.undoing import Undone
from audiences.visits.visit import Visit, identified
from audiences.wording import page_texts

from . import after_pages, rendering, unidentified
from .middleware import secured
from .views import answer
from .visitors import posted

SAMPLE_ADDRESS = "somebody@example.org"


def preview(
    request: HttpRequest, content: Content, profile: Profile | None = None
) -> HttpResponse:
    """A page as a visitor sees it: this profile, or an invented one.

    `content` is `landing_pages.snapshot(page)` or that of a version. A POST acts, shows
    what would be true then, and is undone. The page's form has no CSRF token: exempt
    the view from it. `?as=anybody` shows the page to a visitor without a link, and
    `?as=late` when the page has ended; `?lang=` chooses the language.
    """
    role = request.GET.get("as", "")
    with transaction.atomic():
        if role == "late":
            response = _late(request, content)
        elif role == "anybody":
            response = unidentified.look(request, content)
        else:
            response = _tried(request, content, profile)
        transaction.set_rollback(True)
    return secured(response)


def _tried(
    request: HttpRequest, content: Content, profile: Profile | None
) -> HttpResponse:
    """The page of a visit. What it undoes was rolled back already."""
    visit = _visit(content, profile)
    person = profile.language if profile else ""
    language = rendering.page_language(request, rendering.spoken(content), person)
    which = "page.test_notice" if profile else "page.preview_notice"
    notice = page_texts.text(language, which)
    data = posted(request)
    if not data or "undo" not in data:
        return answer(request, visit, data, (notice,))
    standing = standing_of(visit)
    shown = after_pages.after_undo(visit, standing, language, Undone.ALL)
    shown.notices = [notice]
    return rendering.show(request, visit.content, language, shown)


def _visit(content: Content, profile: Profile | None) -> Visit:
    person = profile or Profile.objects.create()
    service = content["service"]
    link = Link(
        person.pk,
        service["channel"] if service else Channel.EMAIL,
        service["id"] if service else None,
        page=content["slug"],
        kind=content["kind"],
        is_fresh=True,
    )
    visit = identified(link, content["kind"], lock=True)
    shown = visit.address if profile else masked(Channel.EMAIL, SAMPLE_ADDRESS)
    always: Content = {**content, "opens_at": None, "closes_at": None}
    return replace(visit, content=always, address=shown, proved=Channel.EMAIL)


def _late(request: HttpRequest, content: Content) -> HttpResponse:
    language = rendering.page_language(request, rendering.spoken(content))
    shown = rendering.closed_page(content, language, LandingPage.Status.ENDED)
    shown.notices = [page_texts.text(language, "page.preview_notice")]
    return rendering.show(request, content, language, shown)
