"""Calls to providers by HTTP, over a connection that is kept open.

What went wrong before anything was sent is tried again; what went wrong afterwards
leaves the message uncertain, because the provider may have taken it.
"""

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

from .handing_over import NotThere, Uncertain

CONNECT_SECONDS, ANSWER_SECONDS = 5, 30
# More of an answer is not read.
LONGEST_ANSWER = 100_000
# Nothing was sent: no name, no connection, no time.
_NEVER_LEFT = (NewConnectionError, ConnectTimeoutError, NameResolutionError)


class Answer:
    """What a provider answered."""

    __slots__ = ("headers", "status", "text")

    def __init__(self, status: int, text: str, headers: Mapping[str, str]) -> None:
        self.status, self.text, self.headers = status, text, headers


class Caller:
    """Calls over connections that are kept open; redirects are not followed."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def call(
        self,
        method: str,
        url: str,
        *,
        data: "bytes | str | Mapping[str, str]" = b"",
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """The answer; raises NotThere and Uncertain."""
        body: Any = data.encode() if isinstance(data, str) else data
        try:
            with self.session.request(
                method,
                url,
                data=body,
                headers=dict(headers or {}),
                auth=auth,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = answer.raw.read(LONGEST_ANSWER, decode_content=True)
                text = content.decode(answer.encoding or "utf-8", "replace")
                return Answer(answer.status_code, text, answer.headers)
        except requests.RequestException as error:
            if never_left(error):
                raise NotThere(_words(error)) from error
            raise Uncertain(_words(error)) from error
        except Exception as error:  # the answer broke off while it was read
            raise Uncertain(_words(error)) from error

    def close(self) -> None:
        self.session.close()


def never_left(error: BaseException) -> bool:
    """Whether nothing can have reached the provider."""
    reason = _reason(error)
    if isinstance(reason, SSLError):
        # Whom we do not know is told nothing.
        return isinstance(_reason(reason), ssl.SSLCertVerificationError)
    never = (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)
    return isinstance(reason, _NEVER_LEFT) or isinstance(error, never)


def _reason(error: BaseException) -> BaseException | None:
    """What an error of one library wraps of another's."""
    inner = error.args[0] if error.args else None
    found = getattr(inner, "reason", inner)
    return found if isinstance(found, BaseException) else None


def _words(error: Exception) -> str:
    """The kind of error; its message may hold a number or a token."""
    return type(_reason(error) or error).__name__


def is_public(host: str) -> bool:
    """Whether every address of a host is one of the public internet."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(
        ipaddress.ip_address(str(address).partition("%")[0]).is_global
        for address in found
    )
