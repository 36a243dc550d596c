"""What holds for every page of the console: headers, plain words for refusals."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DataError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _, ngettext

from audiences import content_policy

from .masking import TooManySearches

log = logging.getLogger(__name__)
_HEADERS = {
    "X-Robots-Tag": "noindex, nofollow",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# What no page can read, wherever it stands: a fault of the address, not of ours.
_UNREADABLE = (BadRequest, SuspiciousOperation, DataError, OverflowError)
# The database is away, full, read-only, or has ended a statement that took too long.
_AWAY = (OperationalError, InterfaceError, InternalError)


class ConsolePages:
    """Adds the headers of the console; a page that has set its own keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _is_console(request):
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            policy = content_policy.of_console()
            response.headers.setdefault("Content-Security-Policy", policy)
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Say in plain words what was refused: 400, or 429 for too much."""
        if not _is_console(request):
            return None
        if isinstance(exception, TooManySearches):
            return _too_many(request, exception.seconds)
        if isinstance(exception, _AWAY):
            # Who runs the site is to read of it; the middleware of Django would not.
            log.error("A page of the console failed.", exc_info=exception)
            return _away(request)
        return _bad(request) if isinstance(exception, _UNREADABLE) else None


def _is_console(request: HttpRequest) -> bool:
    return request.path_info.startswith(reverse("admin:index"))


def _refused(
    request: HttpRequest, status: int, title: str, text: str, url: str = "", **more: Any
) -> HttpResponse:
    facts = {"title": title, "text": text, "url": url, **more}
    return render(request, "admin/console/refused.html", facts, status=status)


def _bad(request: HttpRequest) -> HttpResponse:
    text = _(
        "Its address asks for something that this page does not have: a filter, a "
        "value or a page number. Use what the page itself offers."
    )
    url = request.path if request.method == "GET" and request.GET else ""
    return _refused(request, 400, _("This page cannot be shown so"), text, url)


def _away(request: HttpRequest) -> HttpResponse:
    text = _(
        "The database does not answer, or takes nothing in. What you did last was not "
        "done, not even half. Try again in a minute; if it goes on, tell whoever runs "
        "the site."
    )
    # Nobody asks the database who is signed in.
    title = _("This is not possible right now")
    answer = _refused(request, 503, title, text, user=None)
    answer["Retry-After"] = "60"
    return answer


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    minutes = max(1, round(seconds / 60))
    text = ngettext(
        "You may not see addresses, so you can look for a few of them only. The next "
        "search for an address is possible in {count} minute.",
        "You may not see addresses, so you can look for a few of them only. The next "
        "search for an address is possible in {count} minutes.",
        minutes,
    ).format(count=minutes)
    answer = _refused(request, 429, _("Too many searches for addresses"), text)
    answer["Retry-After"] = str(max(1, seconds))
    return answer
