"""The headers of a message as they leave: whole, plain, and exactly as RFC 8058 says."""

import email
import re
from email import policy
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from audiences import links
from audiences.links import Link
from audiences.links.headers import unsubscribe_headers
from tests.factories import ProfileFactory

LONG = "https://" + ".".join(["a-rather-long-name-of-a-department"] * 6) + ".example"


@pytest.fixture(params=["https://n.example", LONG, LONG + "/with/a/path"])
def base(
    request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> str:
    # A token says in which second it was made: two of one link must be the same.
    monkeypatch.setattr("django.core.signing.time.time", lambda: 1_800_000_000)
    settings.BASE_URL = request.param
    settings.UNSUBSCRIBE_MAILBOX = "unsubscribe@news.example.org"
    return str(request.param)


def serialised(link: Link) -> bytes:
    message = EmailMultiAlternatives(
        subject="Nieuws van déze week",
        body="Hallo",
        from_email="Redactie <news@example.org>",
        to=["a@example.com"],
        headers=unsubscribe_headers(link),
    )
    message.attach_alternative("<p>Hallo</p>", "text/html")
    return message.message().as_bytes(linesep="\r\n")


BIG = Link(2**40, "email", 2**40, 2**40)


@pytest.mark.parametrize("link", [Link(7), BIG], ids=["small", "big"])
def test_the_url_is_whole_in_the_message_that_leaves(base: str, link: Link) -> None:
    raw = serialised(link)
    url = links.one_click_url(link).encode()
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.count(b"List-Unsubscribe:") == 1
    assert head.count(b"List-Unsubscribe-Post:") == 1
    assert (
        b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head + b"\r\n"
    )
    # No encoded-word, and no fold within a URL: it stands there as it is.
    header = re.search(rb"List-Unsubscribe: .*?(?=\r\n\S)", head, re.DOTALL)
    assert header
    assert b"=?" not in header[0]
    assert b"<" + url + b">" in header[0]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


@pytest.mark.parametrize("rules", [policy.default, policy.compat32, policy.SMTP])
def test_whoever_parses_the_message_reads_both_ways(base: str, rules: Any) -> None:
    read = email.message_from_bytes(serialised(BIG), policy=rules)
    value = re.sub(r"\s+", " ", str(read["List-Unsubscribe"])).strip()
    ways = re.findall(r"<([^<>]*)>", value)
    assert ways == [
        links.one_click_url(BIG),
        f"mailto:{links.unsubscribe_address(BIG)}",
    ]
    assert value == ", ".join(f"<{way}>" for way in ways)
    assert [way for way in ways if way.startswith("https:")] == [ways[0]]
    assert str(read["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"


def test_without_a_mailbox_there_is_the_web_address_alone(settings: Any) -> None:
    settings.UNSUBSCRIBE_MAILBOX = ""
    header = unsubscribe_headers(Link(7))["List-Unsubscribe"]
    assert header == f"<{links.one_click_url(Link(7))}>"


@pytest.mark.django_db
def test_the_address_in_the_header_unsubscribes() -> None:
    profile = ProfileFactory(email="a@example.com")
    url = links.one_click_url(Link(profile.pk))
    path = url.removeprefix("http://127.0.0.1:8000")
    Client().post(path, {"List-Unsubscribe": "One-Click"})
    profile.refresh_from_db()
    assert profile.no_longer_contact_email
