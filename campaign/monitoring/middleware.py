"""What is noted of each request: its id, route, status and time; slow statements.

It stands before all else. So health is told also where the host name of a probe is not
one of the site's, and refusals of what follows are counted too.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

from . import counters, health, logs, tracing

# An id that a proxy of ours gave, so that its log and this one can be read together.
_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")
_LONGEST_STATEMENT = 300
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = logging.getLogger("campaign.requests")
slow_log = logging.getLogger("campaign.slow")


class Watched:
    """Answers probes, and notes what became of every other request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if answer := health.answer(request):
            return answer
        number = request.META["REQUEST_ID"] = _id_of(request)
        given = logs.request_id.set(number)
        began = time.perf_counter()
        try:
            with tracing.span(
                "request", http__request__method=_method(request)
            ) as span:
                with connection.execute_wrapper(_Statements(request)):
                    response = self.get_response(request)
                took = time.perf_counter() - began
                _note(request, response, took)
                if span:
                    span.update_name(f"{_method(request)} {_route(request)}")
                    span.set_attribute("http.route", _route(request))
                    span.set_attribute(
                        "http.response.status_code", response.status_code
                    )
            response["X-Request-ID"] = number
            return response
        finally:
            logs.request_id.reset(given)


def _id_of(request: HttpRequest) -> str:
    given = request.headers.get("X-Request-ID", "") if settings.TRUSTED_PROXIES else ""
    return given if _GIVEN.fullmatch(given) else secrets.token_hex(8)


def _route(request: HttpRequest) -> str:
    """The pattern of the address; never the address, which has tokens in it."""
    if found := request.resolver_match:
        return str(found.route)
    is_static = request.path_info.startswith(settings.STATIC_URL)
    return "(static)" if is_static else "(none)"


def _method(request: HttpRequest) -> str:
    """One of those that are known: others would make a figure for each word."""
    method = request.method or ""
    return method if method in _METHODS else "other"


def _note(request: HttpRequest, response: HttpResponse, took: float) -> None:
    route, status = _route(request), response.status_code
    counters.requests.labels(route, _method(request), str(status)).inc()
    counters.seconds.labels(route).observe(took)
    facts = {
        "method": _method(request),
        "route": route,
        "status": status,
        "ms": round(took * 1000),
    }
    log.info("request", extra=facts)


class _Statements:
    """Names the statements that take too long, without the values in them."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __call__(
        self, execute: Any, sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            took = time.perf_counter() - began
            if took > settings.SLOW_SECONDS:
                counters.slow_statements.labels(_route(self._request)).inc()
                slow_log.warning(
                    "A statement took %.1f s: %s",
                    took,
                    _quoted(str(sql)),
                    extra={"route": _route(self._request)},
                )


def _quoted(sql: str) -> str:
    """A statement without texts, which are values even where they stand in it."""
    return re.sub(r"'[^']*'", "'…'", sql)[:_LONGEST_STATEMENT]
