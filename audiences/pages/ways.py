"""Where a page of a visit leads besides its own act, by the link that the visitor has.

Nothing here makes a token: the addresses hold the one that was opened.
"""

from django.http import HttpRequest
from django.urls import reverse

from audiences.links import BadLink, read_undo_token
from audiences.models import LandingPage
from audiences.visits.visit import Visit
from audiences.visits.ways import open_preferences

from .rendering import Shown

Kind = LandingPage.Kind
# The pages of a link by where its token stands: without and with the page it is for.
_BARE = ("one_click", "choose", "everything")
_OF_PAGE = ("personal", "choose_on_page", "everything_on_page")


def add(
    shown: Shown,
    request: HttpRequest,
    visit: Visit,
    *,
    earlier: str = "",
    is_undone: bool = False,
) -> None:
    """Add the ways to a page; none where the link may show nothing of the person.

    `earlier` is the undo of the act before this one, which its page has handed on.
    """
    shown.why_url = address(request, visit, "why")
    if visit.kind != Kind.PREFERENCES:
        shown.choose_url = address(request, visit, "choose")
    if shown.is_done or visit.kind != Kind.DENYLIST:
        may_stop_all = not shown.has_stopped_all
    else:
        may_stop_all = False  # the page itself does that
    if may_stop_all:
        shown.everything_url = address(request, visit, "everything")
    shown.earlier = _earlier(visit, earlier)
    if is_undone and shown.earlier:
        shown.undo, shown.earlier = shown.earlier, ""
        shown.undoes_earlier = True


def _earlier(visit: Visit, token: str) -> str:
    """The token, if it undoes an act of this very person."""
    try:
        is_theirs = token and read_undo_token(token).profile_id == visit.profile.pk
    except BadLink:
        return ""
    return token if is_theirs and visit.shows else ""


def preferences_of_anybody(channel: str) -> str:
    """Where somebody without a personal link asks for one, to change a channel."""
    slug = open_preferences(channel)
    return reverse("pages:anybody", args=[slug]) if slug else ""


def address(request: HttpRequest, visit: Visit, name: str) -> str:
    """Another page by the same link: `why`, `choose` or `everything`."""
    match = request.resolver_match
    if not visit.shows or match is None or "token" not in match.kwargs:
        return ""
    token, view = match.kwargs["token"], match.view_name.removeprefix("pages:")
    if view in _BARE:
        return reverse(f"pages:{name}", args=[token])
    if view in _OF_PAGE:
        return reverse(f"pages:{name}_on_page", args=[match.kwargs["slug"], token])
    return ""
