"""A worker of gunicorn that a slow visitor does not hold up.

gunicorn's own worker gives a connection a thread as soon as its first byte is there. A
few visitors who send a form a byte at a time then hold all threads. Here the loop that
accepts connections receives the whole request first; only then a thread works on it.
What is too large to be held in memory, or does not say how large it is, has threads of
its own: such visitors wait for each other alone.
"""

import errno
import re
import time
from concurrent import futures
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

# Seconds in which a request must be here; a phone on a bad line needs some.
WHOLE_WITHIN = 60.0
# Bytes of a request that are held in memory until a thread works on it.
MOST_HELD = 256 * 1024
# Threads for requests that are larger, or of unknown size.
LARGE_THREADS = 2
# The longest head of a request; gunicorn itself refuses one that is longer.
LONGEST_HEAD = 64 * 1024
# Seconds that a stopping worker still listens to a request that has begun.
LINGER = 3.0

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,12})[ \t]*(?=\r\n)", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.I)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.I)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Listener:
    """What has come of one request so far."""

    def __init__(self, received: bytes = b"") -> None:
        self.received = bytearray(received)
        self.deadline = time.monotonic() + WHOLE_WITHIN
        self.is_large = False
        self.is_continued = False
        self._whole = 0

    def is_ready(self) -> bool:
        """Whether a thread can work on it without waiting, or must do so anyhow."""
        if not self._whole:
            self._read_head()
        return self.is_large or bool(self._whole and len(self.received) >= self._whole)

    def _read_head(self) -> None:
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            # Longer than any head: gunicorn says so to the visitor.
            self._whole = 1 if len(self.received) > LONGEST_HEAD else 0
            return
        head = bytes(self.received[: end + 2])
        length = _LENGTH.search(head)
        self._whole = end + 4 + (int(length[1]) if length else 0)
        self.is_large = self._whole > MOST_HELD or bool(_CHUNKED.search(head))

    def wants_word(self) -> bool:
        """Whether the visitor waits to be told to go on (RFC 9110, 10.1.1)."""
        asks = not self.is_continued and self._whole > len(self.received)
        if asks and _EXPECTS.search(self.received[:LONGEST_HEAD]):
            self.is_continued = True
            return True
        return False


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Threads work on requests that are here; the loop waits for those that are not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listening: dict[TConn, Listener] = {}
        self._large = futures.ThreadPoolExecutor(LARGE_THREADS)

    def accept(self, listener: Any) -> None:
        try:
            sock, address = listener.accept()
        except OSError as error:
            # A machine without file handles left: others go on, and this one later.
            full = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
            if error.errno in full:
                self.log.error("No connection can be accepted: %s", error)
                time.sleep(0.05)
            elif error.errno not in (
                errno.EAGAIN,
                errno.ECONNABORTED,
                errno.EWOULDBLOCK,
            ):
                raise
            return
        self.nr_conns += 1
        self._listen(TConn(self.cfg, sock, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: TConn, client: Any) -> None:
        """A connection that was kept alive has something more."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._listen(conn)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """What was read of a next request already goes back to the loop."""
        done = not fs.cancelled() and not fs.exception() and fs.result()
        goes_on = done and done is not _DEFER and conn.parser is not None
        if goes_on and (more := conn.parser.unreader.take_buffered()):
            self._listen(conn, more)
        else:
            super().finish_request(conn, fs)

    def is_parent_alive(self) -> bool:
        """Whether somebody keeps it; one that nobody keeps makes room for the next.

        Whoever comes after it needs the port, which gunicorn's worker holds until its
        visitors are gone.
        """
        if super().is_parent_alive():
            return True
        self.alive = False
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        return False

    # ---------------------------------------------------------------- listening
    def _listen(self, conn: TConn, received: bytes = b"") -> None:
        conn.sock.setblocking(False)
        heard = self._listening[conn] = Listener(received)
        if received and heard.is_ready():
            self._hand_over(conn)
            return
        self.poller.register(conn.sock, EVENT_READ, partial(self._hear, conn))

    def _hear(self, conn: TConn, _sock: Any) -> None:
        heard = self._listening[conn]
        try:
            more = conn.sock.recv(64 * 1024)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            more = b""
        heard.received += more
        if not more:
            self.poller.unregister(conn.sock)
            self._drop(conn)
        elif heard.is_ready():
            self.poller.unregister(conn.sock)
            self._hand_over(conn)
        elif heard.wants_word():
            try:
                conn.sock.send(_CONTINUE)
            except OSError:
                self.poller.unregister(conn.sock)
                self._drop(conn)

    def _hand_over(self, conn: TConn) -> None:
        heard = self._listening.pop(conn)
        conn.init()
        conn.sock.setblocking(True)
        conn.parser.unreader.unread(bytes(heard.received))
        pool = self._large if heard.is_large else self.tpool
        fs = pool.submit(self.handle, conn)
        fs.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def _drop(self, conn: TConn) -> None:
        self._listening.pop(conn, None)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Let go of visitors who take too long; of all, soon, when this ends."""
        super().murder_pending()
        now = time.monotonic()
        for conn, heard in list(self._listening.items()):
            if not self.alive:
                heard.deadline = min(heard.deadline, now + LINGER)
            if now > heard.deadline:
                self.poller.unregister(conn.sock)
                self._drop(conn)
