"""The page that describes the API: all of it from this host, and no inline script."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audiences import content_policy


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The description, to read and to try."""
    answer = render(request, "api/docs.html")
    answer["Content-Security-Policy"] = content_policy.of_api_docs()
    answer["X-Robots-Tag"] = "noindex"
    return answer
