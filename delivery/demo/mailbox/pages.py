"""The pages of the mailbox, for a browser on this machine.

A mail is shown as mail programs show it: its HTML in a frame that runs no scripts,
loads nothing from elsewhere, and opens links in a window of their own. Beside it is the
button that mail programs make of List-Unsubscribe-Post (RFC 8058).
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.template.loader import render_to_string

from .server import HOST
from .storing import Mailbox

ON_A_PAGE = 25
_STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
# What may be asked for, and by which name a browser may call us: a page elsewhere that
# makes its own name point to this machine is refused.
_MAIL = re.compile(r"/mail/(\d{1,9})/(html|source)?")
_NAMES = ("127.0.0.1", "localhost")
_UNSUBSCRIBE = re.compile(r"<(https?://[^<>\s]+)>")
_ELSEWHERE = "http://127.0.0.1:* http://localhost:*"
_OWN_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; img-src 'self' data:; "
    f"form-action 'self' {_ELSEWHERE} https:; base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    f"img-src data: {_ELSEWHERE}; form-action 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_BASE = b'<base target="_blank">'
_HEAD = re.compile(rb"<head\b[^>]{0,200}>", re.IGNORECASE)


class NotHere(Exception):
    """There is no such page."""


class _Page(BaseHTTPRequestHandler):
    mailbox: Mailbox
    site: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = (self.headers.get("Host") or "").rpartition(":")[0]
        if name not in _NAMES:
            self._answer(b"Ask for 127.0.0.1.", "text/plain", status=421)
            return
        asked = urlsplit(self.path)
        try:
            self._show(asked.path, parse_qs(asked.query))
        except NotHere:
            page = self._page("missing.html", {})
            self._answer(page, "text/html", status=404)

    def _show(self, path: str, query: dict[str, list[str]]) -> None:
        if path == "/":
            self._answer(self._list(query), "text/html")
        elif path == "/style.css":
            self._answer(_STYLE.encode(), "text/css")
        elif found := _MAIL.fullmatch(path):
            self._show_mail(int(found[1]), found[2] or "")
        else:
            raise NotHere

    def _show_mail(self, number: int, part: str) -> None:
        try:
            mail = self.mailbox[number]
        except IndexError as error:
            raise NotHere from error
        if part == "source":
            self._answer(self.mailbox.read(mail), "text/plain")
        elif part == "html":
            body = _with_base(_text(self.mailbox.message(mail), "html"))
            self._answer(body, "text/html", policy=_MAIL_POLICY)
        else:
            message = self.mailbox.message(mail)
            facts = {
                "mail": mail,
                "number": number,
                "has_html": message.get_body(("html",)) is not None,
                "text": _text(message, "plain").decode("utf-8", "replace"),
                "headers": [(k, str(v)) for k, v in message.items()],
                "unsubscribe": _unsubscribe(message),
            }
            self._answer(self._page("mail.html", facts), "text/html")

    def _list(self, query: dict[str, list[str]]) -> bytes:
        text = query.get("q", [""])[0][:200].strip()
        page = query.get("page", ["1"])[0]
        at = int(page) if page.isascii() and page.isdigit() and len(page) < 9 else 1
        start = max(0, at - 1) * ON_A_PAGE
        numbers, total = self.mailbox.latest(text, start, ON_A_PAGE)
        facts = {
            "mails": [(number, self.mailbox[number]) for number in numbers],
            "text": text,
            "total": total,
            "all": len(self.mailbox),
            "first": start + 1,
            "last": start + len(numbers),
            "newer": at - 1 if at > 1 else None,
            "older": at + 1 if start + ON_A_PAGE < total else None,
        }
        return self._page("list.html", facts)

    def _page(self, name: str, facts: dict[str, Any]) -> bytes:
        said = {**facts, "site": self.site, "path": self.mailbox.path}
        return render_to_string(f"demo/{name}", said).encode()

    def _answer(
        self, body: bytes, kind: str, *, status: int = 200, policy: str = _OWN_POLICY
    ) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is for the demo."""


def _text(message: EmailMessage, kind: str) -> bytes:
    part = message.get_body((kind,))
    try:
        return str(part.get_content()).encode() if part else b""
    except (LookupError, UnicodeError, KeyError):
        return b"This part cannot be read."


def _with_base(html: bytes) -> bytes:
    """The HTML, whose links open in a window of their own."""
    found = _HEAD.search(html)
    at = found.end() if found else 0
    return html[:at] + _BASE + html[at:]


def _unsubscribe(message: EmailMessage) -> str:
    """What the button of a mail program would post to; empty when there is none."""
    if not message.get("List-Unsubscribe-Post"):
        return ""
    found = _UNSUBSCRIBE.search(str(message.get("List-Unsubscribe") or ""))
    return found[1] if found else ""


@contextmanager
def serving(mailbox: Mailbox, port: int, site: str) -> Iterator[int]:
    """Show the mailbox at a port, in a thread until the end; raises OSError.

    `site` is the address of the console, for whoever looks what came of an opt-out.
    """
    page = type("Page", (_Page,), {"mailbox": mailbox, "site": site})
    server = ThreadingHTTPServer((HOST, port), page)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
