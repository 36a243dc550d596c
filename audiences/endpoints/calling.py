"""One call of an endpoint: signed as Standard Webhooks says, short, and not followed.

The connection goes to the address that was looked at (`networks`) and stays open for
the next call. Of an answer little is read; an endpoint that is slow is left.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3
from django.conf import settings
from standardwebhooks import Webhook

from audiences.endpoints import networks, words
from audiences.endpoints.networks import NotPublic, Target

CONNECT_SECONDS = 5
# What is read and kept of an answer.
LONGEST_ANSWER, KEPT = 2_000, 200
# The answers that may say when to come again.
_BUSY = (429, 503)
# For so long an address that was looked at is called.
LOOKED_AT = 30.0
Pool = urllib3.HTTPConnectionPool


@dataclass(frozen=True)
class Outcome:
    """What came of a call: a status, and how the answer began or what went wrong."""

    status: int | None
    text: str
    # For how many seconds it wants to be left alone (RFC 9110, 10.2.3).
    wants: float = 0.0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def said(self) -> str:
        """The same in a few words."""
        return self.text or str(self.status)

    @property
    def is_gone(self) -> bool:
        """Whether nothing more is wanted there (Standard Webhooks: 410 Gone)."""
        return self.status == 410


class _Cutter:
    """Cuts the connections whose answer has not begun in time.

    A timeout counts from one byte to the next: whoever sends its headers byte by byte
    would hold a worker for hours. One thread looks after all of a process: one for each
    call would be a quarter of its cost.
    """

    EVERY = 0.05

    def __init__(self) -> None:
        self._due: dict[object, tuple[float, socket.socket]] = {}
        self._lock = threading.Lock()
        self._watching: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, sock: socket.socket) -> Iterator[None]:
        """Raise TimeoutError where what is done with a socket takes too long."""
        name, until = object(), time.monotonic() + settings.ENDPOINT_SECONDS
        with self._lock:
            self._due[name] = until, sock
            if self._watching is None or not self._watching.is_alive():
                self._watching = threading.Thread(target=self._watch, daemon=True)
                self._watching.start()
        try:
            yield
        finally:
            with self._lock:
                was_cut = self._due.pop(name, None) is None
            if was_cut:
                raise TimeoutError

    def _watch(self) -> None:
        """Until nothing is waited for."""
        while True:
            time.sleep(self.EVERY)
            with self._lock:
                if not self._due:
                    self._watching = None
                    return
                now = time.monotonic()
                late = [name for name, (until, _s) in self._due.items() if until <= now]
                for name in late:
                    _until, sock = self._due.pop(name)
                    with contextlib.suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)


_cutter = _Cutter()


class _InTime:
    """A connection whose answer must have begun in time, however slowly it comes."""

    def getresponse(self) -> Any:
        connection: Any = self
        with _cutter.over(connection.sock):
            return super().getresponse()  # type: ignore[misc]


class _Plain(_InTime, urllib3.connection.HTTPConnection):
    pass


class _Secure(_InTime, urllib3.connection.HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


class Caller:
    """Calls one endpoint, over connections that are kept open."""

    def __init__(self, url: str, secrets: Sequence[str], connections: int) -> None:
        self.url, self.secrets, self.connections = url, tuple(secrets), connections
        self.signers = [Webhook(secret) for secret in secrets]
        self._pool: Pool | None = None
        self._target: Target | None = None
        self._looked = 0.0

    def look(self) -> str:
        """Find out where the endpoint is now; returns what is wrong, if anything."""
        if self._pool is not None and time.monotonic() - self._looked < LOOKED_AT:
            return ""
        try:
            target = networks.resolve(self.url)
        except NotPublic as refusal:
            return refusal.without_hint[:KEPT]
        except (OSError, UnicodeError):
            # UnicodeError: a part of the name is empty or too long (RFC 1035, 2.3.4).
            return words.NO_SUCH_NAME
        if self._pool is None or target != self._target:
            self.close()
            self._pool, self._target = _pool(target, self.connections), target
        self._looked = time.monotonic()
        return ""

    def call(self, message_id: str, body: dict[str, Any]) -> Outcome:
        """Tell one change; `look` has found the endpoint."""
        pool, target = self._pool, self._target
        if pool is None or target is None:
            return Outcome(None, "The endpoint was not looked for.")
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        headers = self._headers(message_id, text) | {"Host": target.named}
        try:
            answer = pool.urlopen(
                "POST",
                target.path,
                body=text.encode(),
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                pool_timeout=settings.ENDPOINT_SECONDS,
            )
            return self._read(answer)
        except urllib3.exceptions.HTTPError as error:
            return Outcome(None, _words(error))
        except (OSError, ValueError) as error:
            return Outcome(None, type(error).__name__)

    def _read(self, answer: Any) -> Outcome:
        """The status, and how the answer begins; one without an end is cut off.

        The status has been said by then: a body that breaks off, or is not coded as it
        says, takes nothing of it back.
        """
        deadline = time.monotonic() + settings.ENDPOINT_SECONDS
        said, is_whole = b"", False
        try:
            with contextlib.suppress(urllib3.exceptions.HTTPError, OSError, ValueError):
                while len(said) < LONGEST_ANSWER and time.monotonic() < deadline:
                    piece = answer.read1(LONGEST_ANSWER - len(said))
                    if not piece:
                        is_whole = True
                        break
                    said += piece
        finally:
            if is_whole:
                answer.release_conn()
            else:
                answer.close()
        text = said.decode("utf-8", "replace").replace("\0", "")
        status = int(answer.status)
        wants = _wanted(answer.headers) if status in _BUSY else 0.0
        return Outcome(status, text[:KEPT], wants)

    def _headers(self, message_id: str, text: str) -> dict[str, str]:
        at = datetime.now(UTC)
        signed = " ".join(one.sign(message_id, at, text) for one in self.signers)
        return {
            "Content-Type": "application/json",
            "User-Agent": "Campaign-Webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signed,
        }

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


def _pool(target: Target, connections: int) -> Pool:
    timeout = urllib3.Timeout(
        connect=min(CONNECT_SECONDS, settings.ENDPOINT_SECONDS),
        read=settings.ENDPOINT_SECONDS,
    )
    facts: dict[str, Any] = {
        "port": target.port,
        "timeout": timeout,
        "maxsize": connections,
        "block": True,
    }
    if not target.is_secure:
        return _PlainPool(target.ip, **facts)
    return _SecurePool(
        target.ip,
        server_hostname=target.host,
        assert_hostname=target.host,
        cert_reqs="CERT_REQUIRED",
        **facts,
    )


def _wanted(headers: Mapping[str, str]) -> float:
    """The seconds that Retry-After names: a number of them, or a moment."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with contextlib.suppress(ValueError, OverflowError):
        at = parsedate_to_datetime(text)
        if at.tzinfo is not None:
            return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return 0.0


def _words(error: Exception) -> str:
    """The kind of error in words; its message may hold a part of the address."""
    name = type(error).__name__
    known = {
        "ReadTimeoutError": words.LATE,
        "ConnectTimeoutError": words.NOBODY_IN_TIME,
        "NewConnectionError": words.NOBODY,
        "SSLError": words.BAD_CERTIFICATE,
        "ProtocolError": words.BROKE_OFF,
    }
    return known.get(name, name)
