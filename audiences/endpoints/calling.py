"""One call of an endpoint: signed as Standard Webhooks says, short, and not followed.

The connection goes to the address that was looked at (`networks`) and stays open for
the next call. Of an answer little is read; an endpoint that is slow is left.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import urllib3
from django.conf import settings
from standardwebhooks import Webhook

from audiences.endpoints import networks
from audiences.endpoints.networks import NotPublic, Target

CONNECT_SECONDS = 5
# What is read and kept of an answer.
LONGEST_ANSWER, KEPT = 2_000, 200
# For so long an address that was looked at is called.
LOOKED_AT = 30.0
Pool = urllib3.HTTPConnectionPool


@dataclass(frozen=True)
class Outcome:
    """What came of a call: a status, and how the answer began or what went wrong."""

    status: int | None
    text: str

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether nothing more is wanted there (Standard Webhooks: 410 Gone)."""
        return self.status == 410


class _InTime:
    """A connection whose answer must have begun in time, however slowly it comes.

    A timeout counts from one byte to the next: whoever sends its headers byte by byte
    would hold a worker for hours.
    """

    def getresponse(self) -> Any:
        connection: Any = self
        is_late = threading.Event()
        cut = [connection.sock, is_late]
        cutting = threading.Timer(settings.ENDPOINT_SECONDS, _cut, cut)
        cutting.daemon = True
        cutting.start()
        try:
            return super().getresponse()  # type: ignore[misc]
        finally:
            cutting.cancel()
            if is_late.is_set():
                raise TimeoutError


def _cut(sock: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


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
        self.url, self.connections = url, connections
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
            return "The name cannot be resolved."
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
        """The status, and how the answer begins; one without an end is cut off."""
        deadline = time.monotonic() + settings.ENDPOINT_SECONDS
        said, is_whole = b"", False
        try:
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
        return Outcome(int(answer.status), text[:KEPT])

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


def _words(error: Exception) -> str:
    """The kind of error in words; its message may hold a part of the address."""
    name = type(error).__name__
    known = {
        "ReadTimeoutError": "It did not answer in time.",
        "ConnectTimeoutError": "It cannot be reached: no answer in time.",
        "NewConnectionError": "It cannot be reached.",
        "SSLError": "Its certificate is not valid for its name.",
        "ProtocolError": "The connection broke off.",
    }
    return known.get(name, name)
