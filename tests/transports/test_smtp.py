"""Handing mails over by SMTP, to servers that answer well, badly, and not at all."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from delivery.transports import Kind, NotThere, Outgoing, Uncertain, transport_for
from delivery.transports.smtp import SmtpTransport

from . import smtp_server
from .smtp_server import CUT, HANG, Sink

MAIL = Outgoing(
    7,
    "ann@shop.example",
    b"Subject: Hello\r\n\r\nHi\r\n.a line with a dot\r\n",
    "bounces+1.1.abc@news.example.org",
    "<1@news.example.org>",
)
WORLD = replace(MAIL, address="李@shop.example", needs_utf8=True)


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with smtp_server.running() as made:
        at(settings, made.port)
        yield made


def at(settings: Any, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_TIMEOUT = 0.4


@pytest.fixture
def transport() -> Iterator[SmtpTransport]:
    made = transport_for("email")
    assert isinstance(made, SmtpTransport)
    yield made
    made.close()


# ---------------------------------------------------------------- what is taken
@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
def transport_of(
    request: pytest.FixtureRequest, settings: Any
) -> Iterator[tuple[SmtpTransport, Sink]]:
    offers = ("PIPELINING",) if request.param else ()
    with smtp_server.running(offers=(*offers, "8BITMIME", "SMTPUTF8")) as made:
        at(settings, made.port)
        transport = SmtpTransport()
        yield transport, made
        transport.close()


Pair = tuple[SmtpTransport, Sink]


def test_a_mail_arrives_as_it_left(transport_of: Pair) -> None:
    transport, sink = transport_of
    result = transport.hand_over(MAIL)
    assert (result.kind, result.code) == (Kind.TAKEN, "2.0.0")
    assert "queued as 1" in result.text
    assert sink.mails == [(MAIL.sender, MAIL.address, MAIL.body)]


def test_one_connection_serves_many_mails(transport_of: Pair) -> None:
    transport, sink = transport_of
    for number in range(30):
        transport.hand_over(replace(MAIL, address=f"ann{number}@shop.example"))
    assert sink.connections == 1
    assert [to for _from, to, _mail in sink.mails] == [
        f"ann{number}@shop.example" for number in range(30)
    ]


def test_three_commands_leave_in_one_write(sink: Sink, transport: Any) -> None:
    transport.hand_over(MAIL)
    together = [read for read in sink.reads if read.startswith(b"MAIL FROM")]
    assert len(together) == 1
    assert b"\r\nRCPT TO:<ann@shop.example>\r\nDATA\r\n" in together[0]


def test_a_connection_ends_after_so_many_mails(
    sink: Sink, transport: Any, settings: Any
) -> None:
    settings.SMTP_MESSAGES = 3
    for _number in range(7):
        assert transport.hand_over(MAIL).kind == Kind.TAKEN
    assert (sink.connections, len(sink.mails)) == (3, 7)
    assert sink.commands.count("QUIT") == 2


def test_a_server_that_says_no_goodbye_keeps_nobody_waiting(
    sink: Sink, transport: Any, settings: Any
) -> None:
    settings.SMTP_MESSAGES, settings.EMAIL_TIMEOUT = 1, 30
    sink.says["QUIT"] = [HANG]
    started = time.monotonic()
    for _number in range(2):
        assert transport.hand_over(MAIL).kind == Kind.TAKEN
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("line", [b"\n", b"\r"])
def test_no_line_break_but_crlf_leaves(sink: Sink, transport: Any, line: bytes) -> None:
    """SMTP smuggling: what some servers take for an end must not be in a mail."""
    body = b"Subject: x\r\n\r\none" + line + b"." + line + b"MAIL FROM:<evil@x.example>"
    transport.hand_over(replace(MAIL, body=body))
    [(_from, _to, mail)] = sink.mails
    assert mail == b"Subject: x\r\n\r\none\r\n.\r\nMAIL FROM:<evil@x.example>\r\n"


@pytest.mark.parametrize(
    "address",
    ["a@b.example>\r\nRCPT TO:<c@d.example", "a>b@c.example", "a\x00@b.example"],
)
def test_an_address_cannot_be_a_command(
    sink: Sink, transport: Any, address: str
) -> None:
    result = transport.hand_over(replace(MAIL, address=address))
    assert (result.kind, result.code) == (Kind.REFUSED, "5.1.3")
    assert sink.mails == []


# ---------------------------------------------------------------- what is refused
ANSWERS = [
    ("MAIL", "421 4.7.0 Too much", Kind.LATER, "4.7.0"),
    ("MAIL", "450 4.2.1 Later", Kind.LATER, "4.2.1"),
    ("MAIL", "550 5.7.1 Not you", Kind.REFUSED, "5.7.1"),
    ("RCPT", "421 Closing", Kind.LATER, "421"),
    ("RCPT", "450 4.2.1 Greylisted", Kind.LATER, "4.2.1"),
    ("RCPT", "451-4.3.0 Two\r\n451 4.3.0 lines", Kind.LATER, "4.3.0"),
    ("RCPT", "550 5.1.1 No such user", Kind.REFUSED, "5.1.1"),
    ("RCPT", "552 5.2.2 Mailbox full", Kind.REFUSED, "5.2.2"),
    ("RCPT", "550 unknown", Kind.REFUSED, "550"),
    ("DATA", "451 4.3.2 Busy", Kind.LATER, "4.3.2"),
    ("DATA", "554 5.5.1 No recipients", Kind.REFUSED, "5.5.1"),
    ("DATA", "250 What", Kind.LATER, "250"),
    ("MESSAGE", "421 4.3.2 Closing", Kind.LATER, "4.3.2"),
    ("MESSAGE", "451 4.7.1 Greylisted", Kind.LATER, "4.7.1"),
    ("MESSAGE", "550 5.7.1 Spam", Kind.REFUSED, "5.7.1"),
    ("MESSAGE", "552 5.3.4 Too big", Kind.REFUSED, "5.3.4"),
]


@pytest.mark.parametrize(("command", "answer", "kind", "code"), ANSWERS)
def test_a_refusal_is_passing_or_for_good(
    transport_of: Pair, command: str, answer: str, kind: Kind, code: str
) -> None:
    transport, sink = transport_of
    sink.says[command] = [answer]
    result = transport.hand_over(MAIL)
    assert (result.kind, result.code) == (kind, code)
    assert result.text
    del sink.says[command]
    assert transport.hand_over(MAIL).kind == Kind.TAKEN, "the next one is not touched"
    assert len(sink.mails) == 1


def test_a_refused_recipient_gets_nothing_although_the_server_goes_on(
    sink: Sink, transport: Any
) -> None:
    """RFC 2920, 3.1: some servers go ahead though they have no recipient."""
    sink.says["RCPT"] = ["550 5.1.1 No such user", "250 Ok"]
    sink.says["DATA"] = ["354 Go ahead"]
    sink.says["MESSAGE"] = ["554 5.5.1 No recipients", "250 Ok"]
    assert transport.hand_over(MAIL).kind == Kind.REFUSED
    assert transport.hand_over(MAIL).kind == Kind.TAKEN
    assert sink.connections == 1
    assert [mail for _from, _to, mail in sink.mails] == [MAIL.body]


def test_a_servers_words_are_kept_in_part(sink: Sink, transport: Any) -> None:
    sink.says["RCPT"] = ["550 5.1.1 " + "x" * 3_000]
    assert transport.hand_over(MAIL).text == "x" * 1_000


# ---------------------------------------------------------------- what breaks
BREAKS = [
    ("CONNECT", CUT, Kind.LATER),
    ("CONNECT", HANG, Kind.LATER),
    ("CONNECT", "554 Go away", Kind.LATER),
    ("MAIL", CUT, Kind.LATER),
    ("MAIL", HANG, Kind.LATER),
    ("RCPT", CUT, Kind.LATER),
    ("RCPT", HANG, Kind.LATER),
    ("DATA", CUT, Kind.LATER),
    ("DATA", HANG, Kind.LATER),
    ("MESSAGE", CUT, None),
    ("MESSAGE", HANG, None),
    ("MESSAGE", "nonsense", None),
    ("MESSAGE", "354 More", None),
]


@pytest.mark.parametrize(("command", "answer", "kind"), BREAKS)
def test_a_break_is_uncertain_only_after_the_whole_message(
    transport_of: Pair, command: str, answer: str, kind: Kind | None
) -> None:
    transport, sink = transport_of
    sink.says[command] = [answer]
    if kind is None:
        with pytest.raises(Uncertain):
            transport.hand_over(MAIL)
    else:
        assert transport.hand_over(MAIL).kind == kind
    del sink.says[command]
    assert transport.hand_over(MAIL).kind == Kind.TAKEN, "it connects again"


def test_a_server_that_hung_up_between_two_mails_is_called_again(
    transport_of: Pair,
) -> None:
    transport, sink = transport_of
    transport.hand_over(MAIL)
    sink.says["MAIL"] = [CUT, "250 Ok"]
    assert transport.hand_over(MAIL).kind == Kind.TAKEN
    sink.says["MAIL"] = ["421 4.4.2 Idle for too long", "250 Ok"]
    assert transport.hand_over(MAIL).kind == Kind.TAKEN
    assert (sink.connections, len(sink.mails)) == (3, 3)


def test_an_uncertain_mail_is_not_handed_over_again(sink: Sink, transport: Any) -> None:
    transport.hand_over(MAIL)
    sink.says["MESSAGE"] = [CUT]
    with pytest.raises(Uncertain):
        transport.hand_over(MAIL)
    assert sink.connections == 1
    assert sum(command == "DATA" for command in sink.commands) == 2


def test_a_server_that_is_not_there_means_later(settings: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        at(settings, taken.getsockname()[1])
        transport = SmtpTransport()
        with pytest.raises(NotThere):
            transport.open()
        result = transport.hand_over(MAIL)
    assert result.kind == Kind.LATER
    assert "refused" in result.text


# ---------------------------------------------------------------- extensions
def test_an_address_of_all_the_world_needs_the_servers_word(settings: Any) -> None:
    with smtp_server.running(offers=("PIPELINING",)) as sink:
        at(settings, sink.port)
        transport = SmtpTransport()
        result = transport.hand_over(WORLD)
        assert (result.kind, result.code) == (Kind.REFUSED, "5.6.7")
        assert "SMTPUTF8" in result.text
        assert transport.hand_over(MAIL).kind == Kind.TAKEN
        transport.close()
    assert [to for _from, to, _mail in sink.mails] == [MAIL.address]


def test_an_address_of_all_the_world_is_said_where_it_is_offered(
    sink: Sink, transport: Any
) -> None:
    body = "To: 李@shop.example\r\n\r\nHi\r\n".encode()
    assert transport.hand_over(replace(WORLD, body=body)).kind == Kind.TAKEN
    [mail] = [command for command in sink.commands if command.startswith("MAIL")]
    assert " SMTPUTF8 BODY=8BITMIME SIZE=" in mail
    assert sink.mails[0][1] == "李@shop.example"


def test_a_mail_that_is_too_big_is_refused_before_it_leaves(
    sink: Sink, transport: Any
) -> None:
    result = transport.hand_over(replace(MAIL, body=b"x" * 100_001))
    assert (result.kind, result.code) == (Kind.REFUSED, "5.3.4")
    assert not [command for command in sink.commands if command.startswith("MAIL")]


# ---------------------------------------------------------------- TLS and login
class _Keeper:
    def __init__(self) -> None:
        self.taken: list[tuple[list[str], bytes]] = []

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append((list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 Ok"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost -keyout {path}.key -out {path}",
        shell=True,
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture
def secured(certificate: Path, settings: Any) -> Iterator[_Keeper]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    keeper = _Keeper()

    def authenticate(
        server: Any, session: Any, envelope: Any, kind: Any, data: Any
    ) -> AuthResult:
        return AuthResult(success=data.password == b"right")

    controller = Controller(
        keeper,
        hostname="127.0.0.1",
        port=_free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )
    controller.start()
    at(settings, controller.port)
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "localhost", 5
    settings.EMAIL_USE_TLS = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "campaign", "right"
    yield keeper
    controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_mails_leave_encrypted_after_a_login(
    secured: _Keeper, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    transport = SmtpTransport()
    assert transport.hand_over(MAIL).kind == Kind.TAKEN
    transport.close()
    assert [to for to, _mail in secured.taken] == [[MAIL.address]]


def test_a_server_that_cannot_prove_its_name_gets_nothing(secured: _Keeper) -> None:
    result = SmtpTransport().hand_over(MAIL)
    assert result.kind == Kind.LATER
    assert "certificate" in result.text
    assert secured.taken == []


def test_a_wrong_password_is_no_fault_of_the_mail(settings: Any) -> None:
    says = {"AUTH": ["535 5.7.8 Wrong"]}
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "campaign", "wrong"
    with smtp_server.running(offers=("AUTH PLAIN",), says=says) as sink:
        at(settings, sink.port)
        result = SmtpTransport().hand_over(MAIL)
    assert result.kind == Kind.LATER
    assert "535" in result.text


def test_nothing_leaves_in_the_clear_where_tls_is_asked_for(
    sink: Sink, transport: Any, settings: Any
) -> None:
    settings.EMAIL_USE_TLS = True
    assert transport.hand_over(MAIL).kind == Kind.LATER
    assert sink.mails == []


def test_certificates_are_read_only_where_tls_is_spoken(
    sink: Sink, transport: SmtpTransport, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Reading them takes longer than hundreds of mails; and once for each transport."""
    read: list[None] = []
    made = ssl.create_default_context

    def reading() -> ssl.SSLContext:
        read.append(None)
        return made()

    monkeypatch.setattr(ssl, "create_default_context", reading)
    assert transport.hand_over(MAIL).kind == Kind.TAKEN
    assert not read
    transport.close()
    settings.EMAIL_USE_TLS = True
    for _attempt in range(2):  # this server has no TLS
        assert transport.hand_over(MAIL).kind == Kind.LATER
    assert len(read) == 1
