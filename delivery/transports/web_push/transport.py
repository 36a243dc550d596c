"""Handing notifications over to the push services of browsers."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from py_vapid import Vapid, VapidException
from pywebpush import WebPusher, WebPushException

from delivery.transports.handing_over import (
    NoTransport,
    NotThere,
    Outgoing,
    Result,
    Uncertain,
    later,
    refused,
    taken,
)
from delivery.transports.http_calls import Answer, Caller, is_public

# How long a claim about ourselves is valid; a day at most (RFC 8292, 2).
_CLAIM_SECONDS = 12 * 3600
# RFC 8291, 4: 4,096 bytes with what encryption adds.
LARGEST = 3_993
# Our own key, a limit, or a service that is busy.
_PASSING = {401, 403, 408, 429, 503}
_NOT_A_SUBSCRIPTION = (
    *(AttributeError, KeyError, TypeError, ValueError),
    WebPushException,
)


class WebPushTransport:
    """Calls to push services, each with a claim that we are who we are (VAPID)."""

    def __init__(self) -> None:
        """Raises NoTransport when VAPID_PRIVATE_KEY or VAPID_CONTACT is missing."""
        if not (settings.VAPID_PRIVATE_KEY and settings.VAPID_CONTACT):
            raise NoTransport(
                "Push needs VAPID_PRIVATE_KEY and VAPID_CONTACT: docs/transports.md."
            ).mended_by("gateways")
        try:
            self._key = Vapid.from_string(settings.VAPID_PRIVATE_KEY)
        except (VapidException, ValueError) as error:
            raise NoTransport("VAPID_PRIVATE_KEY is no private key.") from error
        self._caller = Caller()
        self._claims: dict[str, tuple[float, dict[str, str]]] = {}

    def open(self) -> None:
        """Nothing: each push service is called when there is something for it."""

    def close(self) -> None:
        """End the connections to push services."""
        self._caller.close()

    def hand_over(self, message: Outgoing) -> Result:
        """Encrypt a notification and give it to the service; raises Uncertain."""
        body = str(message.body).encode()
        if len(body) > LARGEST:
            return refused("413", f"It has {len(body)} bytes; the most is {LARGEST}.")
        try:
            endpoint, pusher = _pusher(message.address)
            encoded = pusher.encode(body, content_encoding="aes128gcm")
        except _NOT_A_SUBSCRIPTION as error:
            return refused("", f"The address is not a push subscription: {error}")
        if why := _why_not(endpoint):
            return refused("", why)
        try:
            answer = self._caller.call(
                "POST",
                endpoint,
                data=encoded["body"],
                headers={
                    "Content-Encoding": "aes128gcm",
                    "Content-Type": "application/octet-stream",
                    "TTL": str(settings.PUSH_SECONDS),
                    **self._claim(endpoint),
                },
            )
        except NotThere as error:
            return later("", str(error))
        return _result(answer)

    def _claim(self, endpoint: str) -> dict[str, str]:
        """Who we are, signed for a push service; it serves for hours."""
        parts = urlsplit(endpoint)
        service = f"{parts.scheme}://{parts.netloc}"
        until, headers = self._claims.get(service, (0.0, {}))
        if until < time.time():
            until = time.time() + _CLAIM_SECONDS / 2
            claim = {
                "aud": service,
                "sub": settings.VAPID_CONTACT,
                "exp": int(time.time()) + _CLAIM_SECONDS,
            }
            headers = dict(self._key.sign(claim))
            self._claims[service] = until, headers
        return headers


def _pusher(address: str) -> tuple[str, WebPusher]:
    """Where a subscription is, and what encrypts for it."""
    found: Any = json.loads(address)
    if not isinstance(found, dict) or not isinstance(found.get("endpoint"), str):
        raise ValueError("it has no endpoint")
    return found["endpoint"], WebPusher(found)


def _why_not(endpoint: str) -> str:
    """Why we do not call there: an endpoint is whatever a visitor gave."""
    if settings.ENDPOINTS_ALLOW_PRIVATE:
        return ""
    parts = urlsplit(endpoint)
    if parts.scheme != "https" or not parts.hostname:
        return "The endpoint of the subscription is not https."
    return "" if is_public(parts.hostname) else "The endpoint is not on the internet."


def _result(answer: Answer) -> Result:
    code = str(answer.status)
    text = " ".join(answer.text.split())
    if answer.status in (200, 201, 202, 204):
        return taken(answer.headers.get("Location", ""), text, code)
    if answer.status in _PASSING:
        return later(code, text)
    if answer.status in (404, 410):
        return refused(code, text or "The browser has ended the subscription.")
    if answer.status < 500:
        return refused(code, text)
    raise Uncertain(f"The push service answered {answer.status}")
