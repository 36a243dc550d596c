"""Addresses that nobody has, and errors of ours: the same look, and who sends.

The console says it in its own way: whoever is there knows where they are.
"""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import defaults

from . import rendering
from .middleware import public, secured


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: Django's own page in the console, else that of the public pages."""
    if _is_console(request):
        return defaults.page_not_found(request, exception)
    return secured(rendering.notice_page(request, "not_found", 404))


@public
def elsewhere(request: HttpRequest) -> HttpResponse:
    """The same for an address that nobody has, while the site is tried out."""
    return secured(rendering.notice_page(request, "not_found", 404))


def failed(request: HttpRequest) -> HttpResponse:
    """500: as little as possible may go wrong here again."""
    if _is_console(request):
        return defaults.server_error(request)
    try:
        return secured(rendering.notice_page(request, "failed", 500))
    except Exception:  # whatever is broken, this page comes
        return defaults.server_error(request)


def _is_console(request: HttpRequest) -> bool:
    return request.path_info.startswith(reverse("admin:index"))
