"""Handing mails over by Django's backends, and by a provider's own API (anymail)."""

import email
import json
from dataclasses import replace
from email import policy
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.locmem import EmailBackend

from campaign import email_url
from delivery.transports import Kind, Outgoing, Uncertain, transport_for

from .http_server import CUT, Provider

BODY = (
    b"From: =?utf-8?b?U2jDtnA=?= <news@example.org>\r\n"
    b"To: Ann <ann@shop.example>\r\nReply-To: help@example.org\r\n"
    b"Subject: =?utf-8?b?U2Now7Zu?=\r\nMessage-ID: <1@example.org>\r\n"
    b"List-Unsubscribe: <https://news.example.org/u/x/>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nHi =C3=A9\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>Hi =C3=A9</p>\r\n--b--\r\n"
)
MAIL = Outgoing(
    7,
    "ann@shop.example",
    BODY,
    "bounces@example.org",
    "<1@example.org>",
    subject="Schön",
)


# ---------------------------------------------------------------- Django's own
def test_a_file_holds_the_mail_as_it_was_composed(
    settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    transport = transport_for("email")
    assert transport.hand_over(MAIL).kind == Kind.TAKEN
    transport.close()
    [path] = tmp_path.iterdir()
    assert path.read_bytes().startswith(BODY.replace(b"\r\n", b"\n"))


def test_the_console_shows_it(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert transport_for("email").hand_over(MAIL).kind == Kind.TAKEN
    assert (
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in capsys.readouterr().out
    )


def test_any_backend_gets_one_recipient_and_all_headers(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    transport_for("email").hand_over(MAIL)
    [sent] = mail.outbox
    assert sent.recipients() == [MAIL.address]
    read = email.message_from_bytes(sent.message().as_bytes(), policy=policy.default)
    assert (str(read["to"]), str(read["subject"])) == (
        "Ann <ann@shop.example>",
        "Schön",
    )


class Failing(EmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise ValueError("who knows")


class Silent(EmailBackend):
    def send_messages(self, messages: Any) -> int:
        return 0


@pytest.mark.parametrize("backend", ["Failing", "Silent"])
def test_a_backend_that_does_not_say_leaves_it_uncertain(
    settings: Any, backend: str
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.{backend}"
    with pytest.raises(Uncertain):
        transport_for("email").hand_over(MAIL)


# ---------------------------------------------------------------- a provider's API
@pytest.fixture
def postmark(settings: Any, provider: Provider) -> Provider:
    made = email_url.read("anymail+postmark://?server_token=secret")
    settings.EMAIL_BACKEND = made["EMAIL_BACKEND"]
    settings.ANYMAIL = made["ANYMAIL"] | {"POSTMARK_API_URL": f"{provider.url}/"}
    provider.says = [(200, said(0, MessageID="pm-1", Message="OK"))]
    provider.headers = {"Content-Type": "application/json"}
    return provider


def said(code: int, **facts: str) -> str:
    return json.dumps(
        {"ErrorCode": code, "Message": "words", "To": "ann@shop.example", **facts}
    )


def test_a_provider_gets_the_parts_and_gives_its_number(postmark: Provider) -> None:
    result = transport_for("email").hand_over(MAIL)
    assert (result.kind, result.provider_id) == (Kind.TAKEN, "pm-1")
    [call] = postmark.calls
    assert call.headers["x-postmark-server-token"] == "secret"
    given = json.loads(call.body)
    assert given["Subject"] == "Schön"
    assert given["From"] == "Shöp <news@example.org>"
    assert given["To"] == "Ann <ann@shop.example>"
    assert given["ReplyTo"] == "help@example.org"
    assert given["TextBody"].strip() == "Hi é"
    assert given["HtmlBody"].strip() == "<p>Hi é</p>"
    headers = {header["Name"]: header["Value"] for header in given["Headers"]}
    assert headers["List-Unsubscribe"] == "<https://news.example.org/u/x/>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Message-ID"] == "<1@example.org>"
    assert not {"Cc", "Bcc"} & {*given, *headers}


INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive. Found inactive "
    "addresses: ann@shop.example. Inactive recipients are ones that have bounced."
)
PROVIDER = [
    (422, said(300, Message="Invalid 'To' address: 'ann@shop.example'."), Kind.REFUSED),
    (422, said(406, Message=INACTIVE), Kind.REFUSED),
    (422, said(999, Message="What?"), Kind.REFUSED),
    (200, "{}", None),
    (400, "{}", Kind.REFUSED),
    (401, "{}", Kind.LATER),
    (429, "{}", Kind.LATER),
    (503, "{}", Kind.LATER),
    (500, "{}", None),
    (CUT, "", None),
]


@pytest.mark.parametrize(("status", "body", "kind"), PROVIDER)
def test_an_answer_of_a_provider_is_understood(
    postmark: Provider, status: int, body: str, kind: Kind | None
) -> None:
    postmark.says = [(status, body)]
    transport = transport_for("email")
    if kind is None:
        with pytest.raises(Uncertain):
            transport.hand_over(MAIL)
    else:
        result = transport.hand_over(MAIL)
        assert result.kind == kind
        assert len(result.text) <= 1_000
    assert len(postmark.calls) == 1
    postmark.says = [(200, said(0, MessageID="pm-2"))]
    assert transport.hand_over(MAIL).provider_id == "pm-2"


def test_a_provider_that_is_not_there_means_later(
    postmark: Provider, settings: Any, nowhere: str
) -> None:
    settings.ANYMAIL = settings.ANYMAIL | {"POSTMARK_API_URL": f"{nowhere}/"}
    assert transport_for("email").hand_over(MAIL).kind == Kind.LATER


def test_a_provider_gets_no_address_that_needs_smtputf8(postmark: Provider) -> None:
    message = replace(MAIL, address="李@shop.example", needs_utf8=True)
    assert transport_for("email").hand_over(message).kind == Kind.REFUSED
    assert postmark.calls == []


# ---------------------------------------------------------------- EMAIL_URL
def test_email_url_names_a_provider_and_its_settings() -> None:
    url = "anymail+amazon-ses://?region=eu-1&mail%5Fx=a%20b&debug=true"
    assert email_url.read(url) == {
        "EMAIL_BACKEND": "anymail.backends.amazon_ses.EmailBackend",
        "ANYMAIL": {
            "AMAZON_SES_REGION": "eu-1",
            "AMAZON_SES_MAIL_X": "a b",
            "AMAZON_SES_DEBUG": True,
        },
    }


@pytest.mark.parametrize("url", ["anymail+://?a=b", "anymail+../x://", "anymail+A://"])
def test_a_provider_without_a_name_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        email_url.read(url)


def test_other_addresses_are_mail_servers() -> None:
    made = email_url.read("smtp+tls://me:p%40ss@mail.example.org:587")
    assert made["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert (made["EMAIL_HOST"], made["EMAIL_PORT"]) == ("mail.example.org", 587)
    assert made["EMAIL_HOST_PASSWORD"] == "p@ss"
    assert made["EMAIL_USE_TLS"]
