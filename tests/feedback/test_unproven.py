"""One forged mail moves nobody, and many forged mails move only a few."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from audiences.models import Profile
from delivery.feedback import intake
from delivery.feedback.mails.reader import read
from delivery.models import AddressError, InboundItem, MessageEvent, UnprovenEffect

from .reports import ADDRESS, AT, dsn, event, item, sent, status

pytestmark = pytest.mark.django_db
OTHER = "bob@shop.example"
LETTERS = Path(__file__).resolve().parents[1] / "data" / "letters"
numbers = count()


def arrived(raw: bytes) -> InboundItem:
    return intake.process(intake.receive("mail", raw, received_at=AT)[0])


def trusting(settings: Any) -> None:
    settings.FEEDBACK_TRUST_UNNUMBERED, settings.BOUNCE_MAILBOX = True, ""


def test_address_and_period_are_not_trusted_unless_the_site_says_so() -> None:
    assert site.FEEDBACK_TRUST_UNNUMBERED is False
    sent(at=AT)
    assert (arrived(dsn("forged@x")).state, status()) == ("unmatched", "none")


def test_a_site_may_trust_a_failure_of_one_address(settings: Any) -> None:
    trusting(settings)
    sent(at=AT)
    assert (arrived(dsn("forged@x")).state, status()) == ("applied", "quarantine")


TOO_MUCH: dict[str, dict[str, Any]] = {
    "a complaint": {"kind": "complaint"},
    "an unsubscribe mail": {"kind": "unsubscribe"},
    "a success": {"kind": "delivered"},
    "a letter": {"is_formal": False},
}


@pytest.mark.parametrize("facts", TOO_MUCH.values(), ids=TOO_MUCH)
def test_trust_goes_no_further_than_failures(
    facts: dict[str, Any], settings: Any
) -> None:
    trusting(settings)
    sent()
    assert intake.apply(event(**facts), item()).outcome.value == "unmatched"
    assert not MessageEvent.objects.exists()


def test_trust_ends_where_messages_have_a_return_path(settings: Any) -> None:
    trusting(settings)
    settings.BOUNCE_MAILBOX = "b@mail.example"
    sent()
    assert intake.apply(event(), item()).outcome.value == "unmatched"


def test_a_mail_that_names_several_addresses_is_not_trusted(settings: Any) -> None:
    trusting(settings)
    sent(at=AT)
    sent(OTHER, at=AT)
    group = (
        f"Final-Recipient: rfc822; {OTHER}\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user here\n\n"
    )
    raw = dsn("forged@x").replace(b"--b\nContent-Type: text/rfc", group.encode()
                                  + b"--b\nContent-Type: text/rfc")  # fmt: skip
    assert len(read(raw).events) == 2
    assert arrived(raw).state == "unmatched"
    assert (status(), status(OTHER)) == ("none", "none")


def test_only_so_many_unproven_failures_act_in_an_hour(settings: Any) -> None:
    trusting(settings)
    settings.FEEDBACK_UNPROVEN_AN_HOUR = 4
    for number in range(10):
        sent(f"p{number}@shop.example", at=AT)
    states = [
        arrived(dsn(f"{number}@x", f"p{number}@shop.example")).state
        for number in range(10)
    ]
    assert states == ["applied"] * 4 + ["unmatched"] * 6
    assert (AddressError.objects.count(), UnprovenEffect.objects.count()) == (4, 4)
    # What is proved passes the brake.
    sent("q@shop.example", message_id="q@mta")
    assert arrived(dsn("q@mta", "q@shop.example")).state == "applied"


# ------------------------------------------------------------ letters that look like one
@pytest.mark.parametrize("name", sorted(path.name for path in LETTERS.glob("*.eml")))
@pytest.mark.parametrize("trusts", [False, True])
def test_a_letter_quarantines_nobody(name: str, trusts: bool, settings: Any) -> None:
    """A phish, a newsletter about bounces, a colleague's question."""
    if trusts:
        trusting(settings)
    sent(at=AT)
    arrived((LETTERS / name).read_bytes())
    assert status() == "none"
    assert not Profile.objects.filter(no_longer_contact_email=True).exists()


@pytest.mark.parametrize("name", sorted(path.name for path in LETTERS.glob("*.eml")))
def test_a_letter_is_never_hard_by_itself(name: str) -> None:
    events = read((LETTERS / name).read_bytes()).events
    assert [event for event in events if event.type == "hard"] == []


def test_a_letter_that_returns_our_message_counts(settings: Any) -> None:
    """qmail has no parts for programs; the number of the message proves it."""
    sent(message_id="m1@news.example")
    raw = (
        f"From: MAILER-DAEMON@mx.example\nTo: b@news.example\nSubject: failure notice\n\n"
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to "
        f"deliver your message.\n\n<{ADDRESS}>:\nSorry, no mailbox here by that name. "
        "(#5.1.1)\n\n--- Below this line is a copy of the message.\n\n"
        f"From: news@news.example\nTo: {ADDRESS}\nMessage-ID: <m1@news.example>\n\nHello\n"
    )
    assert (arrived(raw.encode()).state, status()) == ("applied", "quarantine")


# ------------------------------------------------------------ good news
GOOD_NEWS = ["relayed", "expanded", "deliverable", "delivered"]


@pytest.mark.parametrize("action", GOOD_NEWS)
def test_good_news_is_no_failure(action: str) -> None:
    sent(message_id="1@mta")
    raw = dsn("1@mta").replace(b"Action: failed", f"Action: {action}".encode())
    assert arrived(raw).state in ("applied", "ignored")
    assert status() == "none"
    assert not MessageEvent.objects.filter(kind="failed").exists()


NAMELESS = [b"not an address", b"[redacted]", b"<>"]


@pytest.mark.parametrize("address", NAMELESS)
def test_a_failure_that_proves_nothing_and_names_nobody_waits(address: bytes) -> None:
    raw = dsn("other@mta").replace(ADDRESS.encode(), address)
    assert arrived(raw).state in ("unmatched", "unclear")
