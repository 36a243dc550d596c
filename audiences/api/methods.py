"""What all addresses of the API have in common: their language, HEAD and OPTIONS."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from audiences.api.answers import LANGUAGE, finish
from audiences.api.problems import Problem
from audiences.api.site import elsewhere

View = Callable[..., HttpResponse]
Addresses = tuple[list[Any], str, str]


def answered(addresses: Addresses) -> Addresses:
    """The addresses of the API, in English, with HEAD and OPTIONS; others are refused.

    At the root, where Ninja has a page in HTML, is `elsewhere`. Names may have slashes:
    what ends in a word of ours is asked before what ends in a name.
    """
    patterns, app, namespace = addresses
    patterns = sorted(patterns, key=_ends_in_a_name)
    pattern: URLPattern
    for pattern in patterns:
        if pattern.name == "openapi-json":
            pattern.callback = csrf_exempt(require_GET(pattern.callback))
        is_root = pattern.name == "api-root"
        pattern.callback = elsewhere if is_root else any_method(pattern.callback)
    return patterns, app, namespace


def _ends_in_a_name(pattern: URLPattern) -> bool:
    return str(pattern.pattern).endswith(">")


def any_method(view: View) -> View:
    """A page or call with HEAD and OPTIONS; another method is a problem (405)."""

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = request.method
        if asked == "HEAD":
            # RFC 9110, 9.3.2: as GET, without the body.
            request.method = "GET"
        with translation.override(LANGUAGE):
            answer = view(request, *args, **kwargs)
        if answer.status_code == 405 and "Allow" in answer:
            return _not_allowed(request, str(asked), answer["Allow"].split(", "))
        return _without_body(answer) if asked == "HEAD" else answer

    return run


def _without_body(answer: Any) -> HttpResponse:
    """The head of an answer; a server sends whatever body it is given."""
    if answer.streaming:
        answer.streaming_content = ()
    else:
        answer["Content-Length"] = str(len(answer.content))
        answer.content = b""
    found: HttpResponse = answer
    return found


def _not_allowed(request: HttpRequest, asked: str, there: list[str]) -> HttpResponse:
    more = {"HEAD", "OPTIONS"} if "GET" in there else {"OPTIONS"}
    allow = ", ".join(sorted({*there} | more))
    if asked == "OPTIONS":
        answer = HttpResponse(status=204, headers={"Allow": allow})
    else:
        answer = Problem(
            405,
            f"There is no {asked} here.",
            code="method_not_allowed",
            remedy=f"Methods: {allow}.",
            headers={"Allow": allow},
        ).answer()
    return finish(request, answer)
