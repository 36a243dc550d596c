"""Deliveries by mail, the people who get them, and mails as strict readers see them."""

import email
import re
from collections import Counter
from email import policy
from email.message import EmailMessage
from typing import Any

from audiences.models import Service
from delivery import deliveries
from delivery.composing import Composer, Recipient
from delivery.models import Delivery
from delivery.transports import Outgoing

STRICT = policy.SMTPUTF8.clone(raise_on_defect=True)
CONTENT = "Hello {{ first_name|there }}, [stop]({{ unsubscribe_link }})."


def delivery(content: str = CONTENT, subject: str = "News", **facts: Any) -> Delivery:
    own = {
        name: facts.pop(name)
        for name in ("headers", "preheader", "sender")
        if name in facts
    }
    number = Delivery.objects.count()
    made = deliveries.create(
        f"delivery {number}",
        channel=facts.pop("channel", "email"),
        subject=subject,
        content=content,
        **facts,
    )
    for name, value in own.items():
        setattr(made, name, value)
    made.save()
    return made


def person(address: str = "ann@shop.example", key: str = "", **facts: str) -> Recipient:
    return Recipient(
        facts.pop("pk", 7),  # type: ignore[arg-type]
        address,
        key or address.lower(),
        facts.get("language", ""),
        {
            name: facts.get(name, "")
            for name in (
                "first_name",
                "last_name",
                "language",
                "country",
                "external_id",
            )
        },
    )


def service(slug: str = "news", label: str = "The news") -> Service:
    return Service.objects.create(slug=slug, label=label, channel="email")


def composed(made: Delivery, to: Recipient | None = None, **options: Any) -> Outgoing:
    [outgoing] = Composer(made, **options).compose([to or person()])
    return outgoing


def strictly(outgoing: Outgoing) -> EmailMessage:
    """The mail by a reader that forgives nothing; asserts what holds for every mail."""
    raw = outgoing.body
    assert isinstance(raw, bytes)
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw), "each line ends in CRLF"
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    head, _empty, body = raw.partition(b"\r\n\r\n")
    assert body.isascii(), "quoted-printable"
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert outgoing.needs_utf8 or head.isascii()
    read = email.message_from_string(raw.decode(), policy=STRICT)
    assert isinstance(read, EmailMessage)
    names = Counter(name.lower() for name in read)
    assert set(names.values()) == {1}, names
    for part in read.walk():
        assert part.defects == []
        for name, value in part.items():
            if (
                name != "To" or not outgoing.needs_utf8
            ):  # which the reader does not know
                assert getattr(value, "defects", ()) == (), (name, value.defects)
    assert len(read["to"].addresses) == 1
    assert not {"bcc", "cc", "sender", "auto-submitted"} & set(names)
    return read


def text_of(read: EmailMessage) -> str:
    part = read.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(read: EmailMessage) -> str:
    part = read.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
