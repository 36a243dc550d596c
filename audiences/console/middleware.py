"""What holds for every page of the console: strict headers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audiences import content_policy

_HEADERS = {
    "X-Robots-Tag": "noindex, nofollow",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class ConsolePages:
    """Adds the headers of the console; a page that has set its own keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith(reverse("admin:index")):
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            policy = content_policy.of_console()
            response.headers.setdefault("Content-Security-Policy", policy)
        return response
