"""The demo's mailbox: what is sent to it is kept, and shown without being believed."""

import http.client
import io
import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from rich.console import Console

from audiences.models import Profile
from delivery import deliveries, demo
from delivery.demo import mailbox, site, telling
from delivery.demo.mailbox import Mail, Mailbox, Received
from delivery.demo.mailbox.server import LARGEST
from delivery.sending import sendings, worker
from delivery.sending.status import status_of
from delivery.transports import Kind, Outgoing
from delivery.transports.smtp import SmtpTransport
from tests.people import person

HTML = "<html><head></head><body><script>alert(1)</script><p>Hi</p></body></html>"


@pytest.fixture
def kept() -> list[Received]:
    return []


@pytest.fixture
def port(kept: list[Received]) -> Iterator[int]:
    with mailbox.running(kept.append) as made:
        yield made


# ------------------------------------------------------------------ the mail server
ENVELOPE = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n"
TAKEN = ["250", "250", "354", "250"]


@pytest.mark.parametrize(
    ("said", "answers", "body"),
    [
        pytest.param(ENVELOPE + b"Hi\r\n.\r\n", TAKEN, b"Hi\r\n", id="plain"),
        pytest.param(ENVELOPE + b".\r\n", TAKEN, b"", id="empty"),
        pytest.param(
            ENVELOPE + b"..a\r\n...b\r\n.\r\n", TAKEN, b".a\r\n..b\r\n", id="dots"
        ),
        pytest.param(
            ENVELOPE + b"1\r\n.\r\n" + ENVELOPE + b"2\r\n.\r\n",
            TAKEN * 2,
            b"2\r\n",
            id="two in one write",
        ),
        pytest.param(b"DATA\r\n", ["503"], None, id="nobody"),
        pytest.param(b"RCPT TO:<b@y.example>\r\n", ["503"], None, id="no sender"),
        pytest.param(b"MAIL FROM:a\r\n", ["501"], None, id="no address"),
        pytest.param(
            f"MAIL FROM:<a@x.example> SIZE={LARGEST + 1}\r\n".encode(),
            ["552"],
            None,
            id="too long",
        ),
        pytest.param(b"VRFY a\r\nNOOP\r\n", ["502", "250"], None, id="other words"),
        pytest.param(b"x" * 5_000, ["421"], None, id="a line without an end"),
        pytest.param(b"QUIT\r\nNOOP\r\n", ["221"], None, id="nothing after goodbye"),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000], ids=["byte by byte", "at once"])
def test_the_server_speaks_smtp(
    said: bytes,
    answers: list[str],
    body: bytes | None,
    size: int,
    port: int,
    kept: list[Received],
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        heard = line.makefile("rb")
        assert heard.readline().startswith(b"220")
        for start in range(0, len(said), size):
            with suppress(ConnectionError):  # it may have said goodbye
                line.sendall(said[start : start + size])
        assert [heard.readline()[:3].decode() for _ in answers] == answers
    assert (kept[-1].body if kept else None) == body


def test_our_transport_hands_over_to_it(
    port: int, kept: list[Received], settings: Any
) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    transport = SmtpTransport()
    mail = Outgoing(1, "ann@x.example", b"Subject: a\r\n\r\n.b\r\n", "r@x.example")
    world = Outgoing(2, "李@x.example", "Subject: é\r\n\r\n".encode(), needs_utf8=True)
    assert [transport.hand_over(m).kind for m in (mail, world)] == [Kind.TAKEN] * 2
    transport.close()
    assert kept[0] == Received("r@x.example", ("ann@x.example",), mail.body)  # type: ignore[arg-type]
    assert kept[1].recipients == ("李@x.example",)


def test_a_port_that_is_taken_is_an_error(port: int) -> None:
    with (
        pytest.raises(OSError, match="in use"),
        mailbox.running(lambda mail: None, port),
    ):
        pass


# ------------------------------------------------------------------ what is kept
def _received(subject: str, body: str = "Hi", to: str = "b@y.example") -> Received:
    head = f"From: A <a@x.example>\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n"
    return Received("a@x.example", (to,), (head + body).encode())


def test_mails_are_found_again_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "mails.mbox"
    first = Mailbox(path)
    tricky = "From here on\r\n>From there\r\n\r\nFrom x Sat\r\n"
    first.take(_received("Spring", tricky))
    first.take(_received("Summer", "Bye", to="c@y.example"))
    for box in (first, Mailbox(path)):
        assert [box[n].subject for n in range(len(box))] == ["Spring", "Summer"]
        text = box.message(box[0]).get_content()
        assert text == tricky.replace("\r\n", "\n")
        assert b"Return-Path: <a@x.example>" in box.read(box[0])
        assert box.latest("", 0, 9) == ([1, 0], 2)
        assert box.latest("SPRING", 0, 9) == ([0], 1)
        assert box.latest("c@y", 0, 9) == ([1], 1)
        assert box.latest("", 1, 1) == ([0], 2)


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("Spring", "Spring"),
        ("=?utf-8?b?Wm/DqyA=?=\r\n =?utf-8?q?en_co?=", "Zoë en co"),
        ("a long\r\n one", "a long one"),
        ("=?klingon?q?x?=", "=?klingon?q?x?="),
        ("=?utf-8?b?!?=", ""),
        ("=?utf-8?q?a=0Ab=1B[31m?=", "a b [31m"),
        ("Zo\u00eb", "Zoë"),
        ("", ""),
    ],
)
def test_the_list_says_what_the_headers_say(
    tmp_path: Path, written: str, listed: str
) -> None:
    path = tmp_path / "mails.mbox"
    first = Mailbox(path)
    first.take(_received(written, "Subject: of the text\r\nTo: nobody\r\n"))
    for box in (first, Mailbox(path)):
        assert box[0].subject == listed
        assert (box[0].recipient, box[0].sender) == ("b@y.example", "A <a@x.example>")


# ------------------------------------------------------------------ what is shown
@pytest.fixture
def pages(tmp_path: Path) -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox(tmp_path / "mails.mbox")
    with mailbox.serving(box, 0, "http://127.0.0.1:1/admin/") as made:
        yield box, made


def _get(port: int, path: str, host: str = "") -> tuple[int, str, Any]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", path, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = line.getresponse()
    found = answer.status, answer.read().decode(), answer.headers
    line.close()
    return found


def test_a_mail_is_shown_without_being_believed(pages: tuple[Mailbox, int]) -> None:
    box, port = pages
    mail = EmailMultiAlternatives(
        "<b>Sale</b>",
        "Hi, http://127.0.0.1:1/u/x/",
        "a@x.example",
        ["b@y.example"],
        headers={
            "List-Unsubscribe": "<mailto:u@x.example>, <http://127.0.0.1:1/u/tok/>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    mail.attach_alternative(HTML, "text/html")
    body = mail.message().as_bytes(linesep="\r\n")
    box.take(Received("a@x.example", ("b@y.example",), body))
    status, listed, headers = _get(port, "/")
    assert status == 200
    assert "&lt;b&gt;Sale" in listed
    assert "<b>Sale" not in listed
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    _status, shown, _headers = _get(port, "/mail/0/")
    assert 'action="http://127.0.0.1:1/u/tok/"' in shown
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "<script" not in shown
    _status, html, headers = _get(port, "/mail/0/html")
    policy = headers["Content-Security-Policy"]
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert '<head><base target="_blank">' in html
    assert "Delivered-To: b@y.example" in _get(port, "/mail/0/source")[1]


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "", 200),
        ("/?q=nothing&page=2", "", 200),
        ("/?page=%C2%B2", "", 200),
        ("/style.css", "", 200),
        ("/mail/0/", "", 404),
        ("/mail/99999999999/", "", 404),
        ("/../etc/passwd", "", 404),
        ("/", "localhost:80", 200),
        ("/", "evil.example:80", 421),
        ("/", "127.0.0.1.evil.example", 421),
    ],
)
def test_only_this_machine_is_answered(
    path: str, host: str, status: int, pages: tuple[Mailbox, int]
) -> None:
    assert _get(pages[1], path, host)[0] == status


# ------------------------------------------------------------------ the whole of it
@pytest.mark.django_db(transaction=True)
def test_whoever_clicks_in_a_mail_is_opted_out(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    """As the newcomer does it; EMAIL_URL is not asked where the mails go."""
    monkeypatch.setattr(site, "_path", lambda: tmp_path / "mails.mbox")
    monkeypatch.setattr("os.environ", {"EMAIL_URL": "smtp://mail.real.example"})
    # So that what the demo sets is taken back.
    for name in ("BACKEND", "HOST", "PORT", "USE_TLS", "USE_SSL", "HOST_USER"):
        setattr(settings, f"EMAIL_{name}", getattr(settings, f"EMAIL_{name}"))
    settings.EMAIL_HOST_PASSWORD = settings.DEFAULT_FROM_EMAIL = settings.BASE_URL = ""
    ann = person(first_name="Ann", email="ann@x.example")
    delivery = deliveries.create(
        demo.DELIVERY,
        channel="email",
        subject="Hello {{ first_name }}",
        content="[Stop]({{ unsubscribe_link }})",
    )
    told: list[Mail] = []
    with demo.open_mailbox(8_000, told.append) as found:
        prepared = demo.prepare()
        assert (prepared.to_deliver, prepared.targeted) == (1, 1)
        demo.send()
        demo.send()  # once is enough
        assert sendings.of(delivery).rate == site.RATE
        worker.send(sendings.of(delivery))
        (mail,) = told
        assert (mail.recipient, mail.subject) == ("ann@x.example", "Hello Ann")
        port = urlsplit(found.mailbox).port
        assert port
        shown = _get(port, "/mail/0/html")[1]
    found_link = re.search(r'href="([^"]+)"[^>]*>Stop<', shown)
    assert found_link
    client.post(urlsplit(found_link[1]).path, {"act": "1"})
    assert Profile.objects.get(pk=ann.pk).no_longer_contact_email
    assert status_of(delivery).unsubscribed == 1


def test_many_mails_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=200, record=True)
    lines = telling.MailLines(console)
    monkeypatch.setattr(telling.time, "monotonic", lambda: 100.0)
    some = [
        Mail(0, 0, f"p{n}@x.example", "a@x.example", "Hi", None)  # type: ignore[arg-type]
        for n in range(20)
    ]
    for mail in some:
        lines.tell(mail)
    lines.sum_up()
    monkeypatch.setattr(telling.time, "monotonic", lambda: 103.0)
    lines.sum_up()
    lines.sum_up()
    said = console.export_text().splitlines()
    assert said == [
        *(f"Mail to p{n}@x.example: Hi" for n in range(5)),
        "… and 15 more mails",
    ]


def test_django_sends_to_it_too(port: int, kept: list[Received]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as line:
        line.sendmail("a@x.example", ["b@y.example", "c@y.example"], "Subject: x\n\nHi")
    assert kept[0].recipients == ("b@y.example", "c@y.example")


def test_the_box_fits_a_small_terminal() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    telling.box(console, [("Console", "http://127.0.0.1:8000/admin/")] * 6, ["Stop."])
    lines = console.export_text().splitlines()
    assert len(lines) < 20
    assert max(map(len, lines)) <= 80
