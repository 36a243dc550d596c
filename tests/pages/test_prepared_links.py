"""Links that are made for many say, to the last letter, what the others say."""

from dataclasses import replace
from typing import Any

import pytest

from audiences import links
from audiences.links import Link, mail_addresses, prepared, signing
from audiences.links.signing import Purpose
from audiences.links.web_addresses import sent
from delivery.composing import view_in_browser_url
from delivery.feedback import return_path

PEOPLE = [1, 9, 10, 35, 36, 61, 62, 12_345_678, 2**31, 2**62]
LINKS = [
    Link(0),
    Link(0, "sms", 5, 77),
    Link(0, "email", 2**40, 2**40),
    Link(0, "push", None, 3),
]
KEY = "ann@shop.example"
PAGE = {"page": "choose", "kind": "preferences"}


@pytest.fixture(autouse=True)
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BASE_URL = "https://news.example.org/with/a/path"
    settings.UNSUBSCRIBE_MAILBOX = "unsubscribe@news.example.org"
    settings.BOUNCE_MAILBOX = "bounces@news.example.org"
    monkeypatch.setattr("django.core.signing.time.time", lambda: 1_800_000_000)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("pk", PEOPLE)
def test_each_kind_of_link_is_the_same(link: Link, pk: int) -> None:
    own = replace(link, profile_id=pk)
    to_page = replace(link, **PAGE)
    for purpose, make, about in (
        (Purpose.OPT_OUT, links.one_click_url, link),
        (Purpose.PAGE, links.page_url, to_page),
        (Purpose.VIEW, view_in_browser_url, link),
    ):
        written = prepared.web_address(purpose, make, about)(pk, KEY)
        assert written.decode() == make(replace(about, profile_id=pk))
    written = prepared.unsubscribe_address(link)(pk, KEY)
    assert written.decode() == links.unsubscribe_address(own)


@pytest.mark.parametrize(
    "key", ["ann@shop.example", "李@xn--r8jz45g.example", "x" * 500]
)
def test_a_link_to_a_page_has_the_mark_of_its_address(key: str) -> None:
    for link in LINKS:
        about = replace(link, sent_on=link.channel, **PAGE)
        write = prepared.web_address(Purpose.PAGE, links.page_url, about)
        own = sent(replace(about, profile_id=42), link.channel, key)
        assert write(42, key).decode() == links.page_url(own)


@pytest.mark.parametrize("pk", PEOPLE)
def test_a_return_path_is_the_same(settings: Any, pk: int) -> None:
    def written(mailbox: str) -> str:
        make = prepared.mail_address(
            mailbox, return_path.SALT, lambda who: return_path.token(9, who)
        )
        return make(pk, KEY).decode()

    assert written("bounces@news.example.org") == return_path.address(9, pk)
    assert return_path.read(written("bounces@news.example.org")) == (9, pk)
    assert written("") == ""
    settings.BOUNCE_MAILBOX = f"{'b' * 30}@news.example.org"
    assert written(settings.BOUNCE_MAILBOX) == return_path.address(9, pk)


@pytest.mark.parametrize("length", [8, 14, 20, 30, 40])
def test_a_mailbox_that_is_too_long_is_left_out_alike(
    settings: Any, length: int
) -> None:
    settings.UNSUBSCRIBE_MAILBOX = f"{'u' * length}@news.example.org"
    for pk in PEOPLE:
        own = Link(pk, "email", 2**40, 2**40)
        made = prepared.unsubscribe_address(replace(own, profile_id=0))(pk, KEY)
        assert made.decode() == links.unsubscribe_address(own)


def test_they_are_read_as_links(settings: Any) -> None:
    write = prepared.web_address(
        Purpose.OPT_OUT, links.one_click_url, Link(0, "sms", 5)
    )
    token = write(42, KEY).decode().rstrip("/").rpartition("/")[2]
    read = links.read_opt_out_token(token)
    assert (read.profile_id, read.channel, read.service_id) == (42, "sms", 5)
    with pytest.raises(links.BadLink):
        links.read_page_token(token, "choose")


def test_they_are_signed_by_the_newest_key(settings: Any) -> None:
    before = mail_addresses.mail_token(Link(42))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a newer key", ["an old one"]
    made = prepared.unsubscribe_address(Link(0))(42, KEY).decode()
    assert made == links.unsubscribe_address(Link(42))
    assert before not in made
    assert signing.keys_in_use()[0] == "a newer key"
