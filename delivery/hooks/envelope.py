"""A call as we keep it: its kind, the headers that a reader needs, and the body."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, QueryDict

from .gate import HookCall

# Headers that a reader may need besides the body.
_KEPT = (
    *("Content-Type", "svix-id", "x-amz-sns-message-type", "x-amz-sns-message-id"),
)
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Envelope:
    """A verified call; `kind` says which of the provider's hooks it was for."""

    kind: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def fields(self) -> dict[str, list[str]]:
        """The fields of a form; any other kind of body has none."""
        content_type = self.headers.get("Content-Type", "").partition(";")[0].strip()
        if content_type.lower() != "application/x-www-form-urlencoded":
            return {}
        return {name: values for name, values in QueryDict(self.body).lists() if name}

    def request(self) -> HttpRequest:
        """The call as a Django request, for readers that need one."""
        content_type = self.headers.get("Content-Type", "")
        return WSGIRequest(
            {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": content_type,
                "CONTENT_LENGTH": str(len(self.body)),
                "PATH_INFO": f"/{self.kind}",
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "wsgi.input": io.BytesIO(self.body),
                **{
                    f"HTTP_{name.upper().replace('-', '_')}": value
                    for name, value in self.headers.items()
                    if name != "Content-Type"
                },
            }
        )


def pack(call: HookCall, kind: str) -> bytes:
    """The call as we keep it."""
    return packed(kind, ((name, call.header(name)) for name in _KEPT), call.body)


def packed(kind: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """The same from its parts. Headers are quoted, so that none ends the head."""
    lines = [f"Hook: {kind}"] + [
        f"{name}: {quote(value[:500], safe=' /;=.,+-_')}"
        for name, value in headers
        if value
    ]
    return "\r\n".join(lines).encode() + _END + body


def unpack(raw: bytes) -> Envelope:
    """The envelope that `pack` made; raises ValueError for anything else."""
    head, found, body = raw.partition(_END)
    if not found or not head.startswith(b"Hook: "):
        raise ValueError("not a kept call")
    headers = {}
    for line in head.decode().split("\r\n"):
        name, _colon, value = line.partition(": ")
        headers[name] = unquote(value)
    return Envelope(headers.pop("Hook"), headers, body)
