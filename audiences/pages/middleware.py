"""What holds for every public page, also for its errors: no cookies, strict headers."""

import logging
import re
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from audiences import content_policy, organisation
from audiences.links import BadLink
from audiences.visits.visit import Gone

from . import rendering
from .visitors import FromElsewhere, is_too_long

log = logging.getLogger(__name__)

_PUBLIC = re.compile(r"/(?:p|u|ledger)/")
# Opting out needs no body, so none is too long for it: it is not read.
_ONE_CLICK = re.compile(r"/u/[^/]+/?$")

# InternalError: PostgreSQL lets nobody write while another server takes over.
_AWAY = (OperationalError, InterfaceError, InternalError)

_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class PublicPages:
    """Public pages neither read nor set a cookie, and may not be kept or framed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _PUBLIC.match(request.path_info):
            return self.get_response(request)
        request.META.pop("HTTP_COOKIE", None)
        # Whatever charset the visitor names: some cannot be read, and nobody is to be
        # kept from opting out by a word in a header.
        request.encoding = "utf-8"
        if is_too_long(request) and not _ONE_CLICK.match(request.path_info):
            response = HttpResponse(status=413)
        else:
            with organisation.read_once():
                response = self.get_response(request)
        response.cookies.clear()
        return secured(response)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """The database is busy or away: say so, so that mail clients try again."""
        if isinstance(exception, _AWAY) and _PUBLIC.match(request.path_info):
            # By its kind, such as DiskFull: its words may quote a row.
            kind = type(exception.__cause__ or exception).__name__
            log.error("The database did not do what a public page asked: %s.", kind)
            response = rendering.notice_page(request, "failed", 503)
            response["Retry-After"] = "60"
            return response
        return None


View = Callable[..., HttpResponse]
METHODS = ("GET", "HEAD", "POST", "OPTIONS")


def public(view: View) -> View:
    """A public page: no CSRF cookie, OPTIONS answered without looking at anything.

    A CSRF token would need a cookie, and no page of another site can know the link.
    """

    @csrf_exempt
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in METHODS or request.method == "OPTIONS":
            status = 204 if request.method == "OPTIONS" else 405
            return HttpResponse(status=status, headers={"Allow": ", ".join(METHODS)})
        try:
            return view(request, *args, **kwargs)
        except BadLink:
            return rendering.notice_page(request, "bad_link", 404)
        except FromElsewhere:
            return rendering.notice_page(request, "elsewhere", 403)
        except Gone:
            return rendering.notice_page(request, "gone", 200)
        except Http404:
            return rendering.notice_page(request, "not_found", 404)

    return wrapped


def secured(response: HttpResponse) -> HttpResponse:
    """The response with the headers of a public page."""
    for name, value in _HEADERS.items():
        response[name] = value
    needs_script = getattr(response, "needs_script", False)
    policy = content_policy.of_public_page(needs_script=needs_script)
    own: str = getattr(response, "policy", policy)
    response["Content-Security-Policy"] = own
    response.headers.setdefault("Cache-Control", "no-store")
    if response.headers.get("Vary"):
        del response["Vary"]
    return response
