"""Receivers as nobody wishes them: whoever breaks off, drips or says to come later."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from audiences.endpoints import words
from audiences.endpoints.calling import Caller, Outcome

SECRET = "whsec_" + "A" * 44
Answer = Callable[[socket.socket], None]


def says(text: bytes) -> Answer:
    return lambda connection: connection.sendall(text)


def drips(text: bytes, every: float) -> Answer:
    def answer(connection: socket.socket) -> None:
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(every)

    return answer


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """A server that reads a whole request and answers with whatever it likes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (piece := connection.recv(65_536)):
                        return
                    head += piece
                answer(connection)
                if b"keep" not in head:
                    return

    def accept() -> None:
        with suppress(OSError):
            while True:
                found = listener.accept()[0]
                threading.Thread(target=serve, args=(found,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.close()


@pytest.fixture
def call(settings: Any) -> Callable[[Answer], Outcome]:
    settings.ENDPOINTS_ALLOW_PRIVATE = True
    settings.ENDPOINT_SECONDS = 0.4

    def ask(answer: Answer) -> Outcome:
        with listening(answer) as url:
            caller = Caller(url, [SECRET], 1)
            assert caller.look() == ""
            outcome = caller.call("c1", {"id": "c1"})
            caller.close()
            return outcome

    return ask


Call = Callable[[Answer], Outcome]


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 100\r\n\r\nok",
        b"Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\nok",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nok",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\nok\r\n0\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\nok",
    ],
)
@pytest.mark.parametrize("status", [200, 204, 410, 500])
def test_the_status_counts_whatever_becomes_of_the_body(
    call: Call, status: int, rest: bytes
) -> None:
    outcome = call(says(b"HTTP/1.1 %d x\r\n" % status + rest))
    assert outcome.status == status


@pytest.mark.parametrize(
    "answer",
    [
        says(b""),
        says(b"SSH-2.0-OpenSSH_9\r\n"),
        says(b"HTTP/1.1 20000 x\r\n\r\n"),
        says(b"HTTP/1.1 200 " + b"a" * 70_000),
        says(b"HTTP/1.1 200 x\r\n" + b"X: a\r\n" * 200 + b"\r\n"),
        says(b"HTTP/1.1 200 x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
    ],
)
def test_what_is_no_answer_is_a_failure_and_no_fault_of_ours(
    call: Call, answer: Answer
) -> None:
    outcome = call(answer)
    assert (outcome.status, outcome.is_taken) == (None, False)
    assert outcome.text


@pytest.mark.parametrize(
    "answer",
    [
        drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 20, 0.02),
        drips(b"HTTP/1.1 200 x\r\n" + b"X: a\r\n" * 50, 0.02),
        lambda connection: time.sleep(2),
    ],
)
def test_a_head_that_does_not_end_is_cut_off(call: Call, answer: Answer) -> None:
    assert call(answer).text == "It did not answer in time."


def test_many_that_are_slow_are_cut_off_at_once(call: Call, settings: Any) -> None:
    """One thread looks after all of them, again after it had nothing to do."""
    for _round in range(2):
        with ThreadPoolExecutor(6) as lanes:
            outcomes = [*lanes.map(call, [lambda connection: time.sleep(2)] * 6)]
        assert {outcome.text for outcome in outcomes} == {"It did not answer in time."}
        assert call(says(b"HTTP/1.1 204 x\r\n\r\n")).is_taken
        time.sleep(0.12)


def soon(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("status", "said", "low", "high"),
    [
        (429, "120", 120, 120),
        (503, "7", 7, 7),
        (429, 3_000, 2_900, 3_000),
        (429, -3_000, 0, 0),
        (429, "soon", 0, 0),
        (429, "-5", 0, 0),
        (429, "9" * 4_000, 1, 10**9),
        (500, "120", 0, 0),
        (200, "120", 0, 0),
    ],
)
def test_an_answer_may_say_when_to_come_again(
    call: Call, status: int, said: str | int, low: int, high: int
) -> None:
    """In seconds, or as the moment that is so many seconds away."""
    text = said if isinstance(said, str) else soon(said)
    head = f"HTTP/1.1 {status} x\r\nRetry-After: {text}\r\nContent-Length: 0\r\n\r\n"
    assert low <= call(says(head.encode())).wants <= high


def test_ours_is_said_in_any_language_and_others_as_they_said_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(words, "gettext", str.upper)
    assert (
        words.translated("It did not answer in time.") == "IT DID NOT ANSWER IN TIME."
    )
    given_up = f"{words.NOT_TAKEN}: "
    assert words.translated(f"{given_up}{words.BROKE_OFF}") == (
        "IT DID NOT TAKE A CHANGE FOR THREE DAYS: THE CONNECTION BROKE OFF."
    )
    assert words.translated(f"{given_up}no: such") == f"{given_up.upper()}no: such"
    for text in ("", "no", "no: It cannot be reached.", "Save", "500"):
        assert words.translated(text) == text
