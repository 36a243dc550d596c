"""The headers of a delivery's mail: each once, whole, and as the rules want them."""

import re
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from audiences import links
from audiences.links import read_mail_token
from audiences.refusals import Refused
from delivery.composing import Composer
from delivery.feedback import return_path
from delivery.models import Sender

from . import mails
from .mails import composed, person, strictly

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.BASE_URL = "https://news.example.org"
    settings.UNSUBSCRIBE_MAILBOX = "unsubscribe@news.example.org"
    settings.BOUNCE_MAILBOX = "bounces@news.example.org"
    settings.DEFAULT_FROM_EMAIL = "Rédaction <news@example.org>"


def test_a_mail_has_all_the_headers_that_bulk_mail_needs() -> None:
    made = mails.delivery(service=mails.service())
    read = strictly(composed(made, person(first_name="Ann", last_name="Smith")))
    assert str(read["from"]) == "Rédaction <news@example.org>"
    assert str(read["to"]) == "Ann Smith <ann@shop.example>"
    assert str(read["subject"]) == "News"
    assert abs(parsedate_to_datetime(read["date"]) - timezone.now()).seconds < 60
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", read["message-id"])
    assert read["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert str(read["list-id"]) == "The news <news.example.org>"
    assert read["feedback-id"] == f"{made.pk}:news:other:example-org"
    assert read["mime-version"] == "1.0"
    assert read.get_content_type() == "multipart/alternative"


LONG = "https://" + ".".join(["a-rather-long-name-of-a-department"] * 6) + ".example"


@pytest.mark.parametrize("base", ["https://n.example", LONG, f"{LONG}/with/a/path"])
def test_the_button_unsubscribes_this_person_from_this_list(
    settings: Any, base: str
) -> None:
    settings.BASE_URL = base
    service = mails.service()
    made = mails.delivery(service=service)
    raw = composed(made, person(pk=2**40)).body
    assert isinstance(raw, bytes)
    header = re.search(rb"\r\nList-Unsubscribe: (.*?)(?=\r\n\S)", raw, re.DOTALL)
    assert header
    assert b"=?" not in header[1], "an encoded word hides the address"
    web, mail = header[1].split(b",\r\n ")
    token = web.decode().removeprefix(f"<{base}/u/").removesuffix("/>")
    link = links.read_opt_out_token(token)
    assert (link.profile_id, link.channel) == (2**40, "email")
    assert (link.service_id, link.delivery_id) == (service.pk, made.pk)
    tag = mail.decode().partition("+")[2].partition("@")[0]
    assert read_mail_token(tag).profile_id == 2**40


def test_without_a_mailbox_the_button_has_the_web_address_alone(settings: Any) -> None:
    settings.UNSUBSCRIBE_MAILBOX = ""
    read = strictly(composed(mails.delivery()))
    assert str(read["list-unsubscribe"]).count("<") == 1


def test_the_return_path_names_the_message() -> None:
    made = mails.delivery()
    assert return_path.read(composed(made).sender) == (made.pk, 7)


def test_without_a_mailbox_bounces_come_back_to_the_sender(settings: Any) -> None:
    settings.BOUNCE_MAILBOX = ""
    assert composed(mails.delivery()).sender == "news@example.org"


def test_each_mail_has_a_number_of_its_own() -> None:
    sent = Composer(mails.delivery()).compose([person(pk=pk) for pk in range(1, 301)])
    assert len({outgoing.message_id for outgoing in sent}) == 300
    assert all(
        f"Message-ID: {outgoing.message_id}\r\n".encode() in outgoing.body
        for outgoing in sent
        if isinstance(outgoing.body, bytes)
    )


def test_only_what_can_be_stopped_has_the_button() -> None:
    made = mails.delivery(purpose="transactional", purpose_note="receipts")
    read = strictly(composed(made))
    assert "list-unsubscribe" not in read
    assert "list-id" not in read
    made = mails.delivery(
        purpose="transactional", purpose_note="x", service=mails.service()
    )
    assert "list-unsubscribe" in strictly(composed(made))


# ---------------------------------------------------------------- addresses
ADDRESSES = [
    ("Ann@Shop.Example", "ann@shop.example", "Ann@shop.example", False),
    (
        "ann@straße.example",
        "ann@xn--strae-oqa.example",
        "ann@xn--strae-oqa.example",
        False,
    ),
    ("李@例え.example", "李@xn--r8jz45g.example", "李@xn--r8jz45g.example", True),
    ('"a b"@shop.example', '"a b"@shop.example', '"a b"@shop.example', False),
    (" ann@shop.example ", "ann@shop.example", "ann@shop.example", False),
]


@pytest.mark.parametrize(("value", "key", "used", "utf8"), ADDRESSES)
def test_the_address_is_the_stored_part_and_the_domain_that_was_checked(
    value: str, key: str, used: str, utf8: bool
) -> None:
    outgoing = composed(mails.delivery(), person(value, key))
    assert (outgoing.address, outgoing.needs_utf8) == (used, utf8)
    assert strictly(outgoing)["to"].addresses[0].addr_spec == used


NAMES = [
    ("Ann", "Smith", "Ann Smith"),
    ("李", "小龍", "李 小龍"),
    ("Anna-Lena", "O'Brien, Jr.", "Anna-Lena O'Brien, Jr."),
    ('Ann "the cat"', "B\\c", 'Ann "the cat" B\\c'),
    ("=?utf-8?b?QQ==?=", "x", "=?utf-8?b?QQ==?= x"),
    ("Ann\r\nBcc: evil@x.example", "", "Ann Bcc: evil@x.example"),
    ("Ann\x00\x07", "B", "Ann B"),
    ("a@b.example", "<c@d.example>", "a@b.example <c@d.example>"),
    ("x" * 150, "y" * 150, f"{'x' * 150} {'y' * 150}"),
    ("Александра", "Константинопольская", "Александра Константинопольская"),
    ("", "", ""),
    ("", "Smith", "Smith"),
]


@pytest.mark.parametrize(("first", "last", "shown"), NAMES)
def test_a_name_is_shown_as_it_is_and_names_nobody_else(
    first: str, last: str, shown: str
) -> None:
    to = person(first_name=first, last_name=last)
    [address] = strictly(composed(mails.delivery(), to))["to"].addresses
    # Python's reader of 3.11 shows the space between encoded words (RFC 2047, 6.2).
    assert " ".join(address.display_name.split()) == shown
    assert address.addr_spec == "ann@shop.example"


SUBJECTS = [
    ("News", "News"),
    ("News for {{ first_name|you }}", "News for 李小龍"),
    ("{{ last_name|friend }}: news", "friend: news"),
    ("a" * 240, "a" * 240),
    ("word " * 49, ("word " * 49).strip()),
    ("=?utf-8?q?x?=", "=?utf-8?q?x?="),
    ("Schön — 50 % 🎉", "Schön — 50 % 🎉"),
    ("One\r\nX-Evil: two", "One X-Evil: two"),
    ("{{ country }}", ""),
]


@pytest.mark.parametrize(("subject", "shown"), SUBJECTS)
def test_a_subject_is_shown_as_it_is(subject: str, shown: str) -> None:
    outgoing = composed(mails.delivery(subject=subject), person(first_name="李小龍"))
    assert str(strictly(outgoing)["subject"]) == shown
    assert outgoing.subject.strip() == shown
    raw = outgoing.body
    assert isinstance(raw, bytes)
    lines = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    start = next(n for n, line in enumerate(lines) if line.startswith(b"Subject"))
    assert len(lines[start]) <= 78


# ---------------------------------------------------------------- whom it is from
def test_a_delivery_is_from_its_sender() -> None:
    sender = Sender.objects.create(
        name="Shop, Inc. é", address="shop@shop.example", reply_to="help@shop.example"
    )
    read = strictly(composed(mails.delivery(sender=sender)))
    assert read["from"].addresses[0].display_name == "Shop, Inc. é"
    assert read["from"].addresses[0].addr_spec == "shop@shop.example"
    assert str(read["reply-to"]) == "help@shop.example"
    assert read["message-id"].endswith("@shop.example>")


def test_a_sender_that_is_switched_off_sends_nothing() -> None:
    sender = Sender.objects.create(name="Shop", address="a@b.example", is_active=False)
    with pytest.raises(Refused, match="switched off"):
        Composer(mails.delivery(sender=sender))


@pytest.mark.parametrize("given", ["nobody", "x@straße.example", ""])
def test_a_sender_of_the_settings_must_be_an_address(settings: Any, given: str) -> None:
    settings.DEFAULT_FROM_EMAIL = given
    with pytest.raises(Refused, match="DEFAULT_FROM_EMAIL"):
        Composer(mails.delivery())


BAD_SENDERS = [
    {"name": "a\nBcc: x", "address": "a@b.example"},
    {"name": "a", "address": "a@b.example\nBcc: x@y.example"},
    {"name": "a", "address": "é@b.example"},
    {"name": "a", "address": "a@straße.example"},
    {"name": "a", "address": "nobody"},
    {"name": "a", "address": "a@b.example", "reply_to": "x"},
    {"name": "", "address": "a@b.example"},
]


@pytest.mark.parametrize("facts", BAD_SENDERS)
def test_a_sender_is_checked_when_it_is_saved(facts: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Sender(**facts).full_clean()


# ---------------------------------------------------------------- of its own
def test_a_delivery_has_headers_of_its_own() -> None:
    made = mails.delivery(headers="X-Campaign: Früh\n\nX-Other:  a  b ")
    read = strictly(composed(made))
    assert (str(read["x-campaign"]), str(read["x-other"])) == ("Früh", "a b")


@pytest.mark.parametrize(
    "line",
    [
        *("From: x@y.example", "bcc: x@y.example", "LIST-UNSUBSCRIBE: <x>"),
        *("Message-ID: <x>", "Auto-Submitted: auto-generated", "Content-Type: x/y"),
        *("Return-Path: <x>", "DKIM-Signature: x", "Resent-To: x", "Subject : x"),
        *("X-A: b\nx-a: c", "no colon", "X A: b", "Ü: x", ": x", "Precedence: bulk"),
    ],
)
def test_a_header_that_is_ours_cannot_be_given(line: str) -> None:
    made = mails.delivery(headers=line)
    with pytest.raises(Refused):
        Composer(made)


def test_a_header_of_its_own_cannot_hold_another() -> None:
    made = mails.delivery(headers="X-A: b\rBcc: x@y.example")
    with pytest.raises(Refused, match="Bcc"):
        Composer(made)
    made.headers = "X-A: b\x00c"
    assert str(strictly(composed(made))["x-a"]) == "b c"


def test_a_test_is_marked_and_its_links_do_nothing() -> None:
    made = mails.delivery(service=mails.service())
    outgoing = composed(made, is_test=True)
    read = strictly(outgoing)
    assert str(read["subject"]) == "[Test] News"
    assert outgoing.sender == "bounces@news.example.org", "no message of ours bounces"
    addresses = set(
        re.findall(
            r"https://[^\s<>\"]+",
            str(read["list-unsubscribe"]) + mails.html_of(read) + mails.text_of(read),
        )
    )
    assert addresses == {"https://news.example.org/u/test/"}
    assert "mailto" not in str(read["list-unsubscribe"])
