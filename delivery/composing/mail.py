"""A mail of a delivery in one language: built once as bytes, spliced for each person.

The headers that Gmail and Yahoo ask of bulk mail are there once each: see RFC 5322,
2369, 2919 (List-Id) and 8058. There is no Auto-Submitted: it is no answer.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audiences.links.headers import ONE_CLICK

from . import filling, headers
from .markup import Marked
from .places import Marks, Place
from .splicing import Facts, Slot, Spliced


@dataclass(frozen=True)
class Envelope:
    """What is the same on all mails of a delivery: whom they are from, and about what.

    `list_id` is empty without a service; `own` are the delivery's own headers.
    """

    name: str
    address: str
    reply_to: str = ""
    list_id: bytes = b""
    feedback_id: str = ""
    own: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Unsubscribing:
    """Which links of a mail are those of the header List-Unsubscribe, -1 for none."""

    one_click: int
    mailto: int


@dataclass(frozen=True)
class Mail:
    """A mail ready to be spliced, and the subject that it will have."""

    spliced: Spliced
    subject: Callable[[Facts], str]


def build(
    marked: Marked,
    subject: str,
    *,
    marks: Marks,
    index: Callable[[Place], int],
    envelope: Envelope,
    unsubscribing: Unsubscribing,
    language: str = "",
) -> Mail:
    """The mail from what it says, with its places as words."""
    said = filling.texts_of(subject, marks, filling.say_in_text, index)
    # In a body of quoted-printable, nothing is "=" and then "_".
    boundary = f"=_{secrets.token_hex(12)}".encode()
    pieces = [
        *_headers(envelope, unsubscribing, language),
        b'Content-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n',
        *_part(boundary, b"plain"),
        *filling.pieces_of_body(marked.text, marks, filling.say_in_text, index),
        *_part(boundary, b"html"),
        *filling.pieces_of_body(marked.html, marks, filling.say_in_html, index),
        b"\r\n--" + boundary + b"--\r\n",
    ]
    return Mail(Spliced(pieces), said)


def _part(boundary: bytes, kind: bytes) -> list[bytes | Slot]:
    return [
        b"\r\n--" + boundary + b"\r\nContent-Type: text/" + kind,
        b'; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
    ]


def _headers(
    envelope: Envelope, unsubscribing: Unsubscribing, language: str
) -> list[bytes | Slot]:
    pieces: list[bytes | Slot] = []

    def header(name: str, *value: bytes | Slot) -> None:
        pieces.extend([f"{name}: ".encode(), *value, b"\r\n"])

    header("From", headers.mailbox(envelope.name, envelope.address, "From"))
    header("To", Slot("to", _to))
    if envelope.reply_to:
        header("Reply-To", envelope.reply_to.encode())
    header("Subject", Slot("subject", _subject))
    header("Date", Slot("date", lambda facts: facts.date))
    header("Message-ID", Slot("id", lambda facts: facts.message_id.encode()))
    for name, value in _list_headers(unsubscribing):
        header(name, *value)
    if envelope.list_id:
        header("List-Id", envelope.list_id)
    if envelope.feedback_id:
        header("Feedback-ID", envelope.feedback_id.encode())
    if language:
        header("Content-Language", language.encode())
    for name, text in envelope.own:
        header(name, headers.unstructured(text, name))
    header("MIME-Version", b"1.0")
    return pieces


def _list_headers(
    unsubscribing: Unsubscribing,
) -> list[tuple[str, list[bytes | Slot]]]:
    """Both headers of the button (RFC 2369, 8058), folded between the addresses only.

    An address is never encoded: mail programs would not find it.
    """
    if unsubscribing.one_click < 0:
        return []
    ways: list[bytes | Slot] = [
        _raw(unsubscribing.one_click, b"<", b">"),
        _raw(unsubscribing.mailto, b",\r\n <mailto:", b">"),
    ]
    return [
        ("List-Unsubscribe", ways),
        ("List-Unsubscribe-Post", [ONE_CLICK.encode()]),
    ]


def _raw(number: int, before: bytes, after: bytes) -> Slot:
    """A link as it is, with what is around it; nothing where it is empty."""

    def fill(facts: Facts) -> bytes:
        link = facts.links[number]
        return before + link + after if link else b""

    return Slot(("raw", number), fill)


def _to(facts: Facts) -> bytes:
    fields = facts.fields
    name = f"{fields.get('first_name', '')} {fields.get('last_name', '')}"
    return headers.mailbox(name, facts.address, "To")


def _subject(facts: Facts) -> bytes:
    return headers.unstructured(facts.subject, "Subject")
