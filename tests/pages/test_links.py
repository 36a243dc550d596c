"""Personal links: ids alone, one purpose each, and nothing but what was signed."""

import base64
import os
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, strategies as st

from audiences import links
from audiences.links import BadLink, Link, Undo
from audiences.links.mail_addresses import mail_token
from audiences.links.web_addresses import page_token

PAGE = Link(7, "email", 3, 12, "stop", "denylist")
READERS: dict[str, tuple[Callable[[], str], Callable[[str], Any]]] = {
    "opt out": (lambda: links.opt_out_token(PAGE), links.read_opt_out_token),
    "page": (
        lambda: page_token(PAGE),
        lambda token: links.read_page_token(token, "stop"),
    ),
    "undo": (lambda: links.undo_token(Undo(7, (1, 2))), links.read_undo_token),
    "mail": (lambda: mail_token(PAGE), links.read_mail_token),
}


@pytest.mark.parametrize("made_for", READERS)
@pytest.mark.parametrize("read_as", READERS)
def test_a_token_serves_its_own_purpose_alone(made_for: str, read_as: str) -> None:
    token = READERS[made_for][0]()
    if made_for == read_as:
        assert READERS[read_as][1](token).profile_id == 7
        return
    with pytest.raises(BadLink):
        READERS[read_as][1](token)


@pytest.mark.parametrize("purpose", READERS)
def test_no_shorter_and_no_altered_token_is_read(purpose: str) -> None:
    make, read = READERS[purpose]
    token = make()
    for end in range(len(token)):
        with pytest.raises(BadLink):
            read(token[:end])
    for place, character in enumerate(token):
        for other in "AbZ09-_.:é":
            if purpose == "mail" and other.lower() == character:
                continue
            if other != character:
                with pytest.raises(BadLink):
                    read(token[:place] + other + token[place + 1 :])


@given(st.text(max_size=500))
def test_no_text_that_somebody_invents_is_read(text: str) -> None:
    for _make, read in READERS.values():
        with pytest.raises(BadLink):
            read(text)


def test_a_page_token_is_for_one_page() -> None:
    with pytest.raises(BadLink):
        links.read_page_token(page_token(PAGE), "other")


def test_old_links_opt_out_for_ever_but_are_not_fresh(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    tokens = {purpose: make() for purpose, (make, _read) in READERS.items()}
    fresh = links.read_page_token(tokens["page"], "stop")
    assert fresh.is_fresh
    later = (timezone.now() + timedelta(days=4000)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert not links.read_page_token(tokens["page"], "stop").is_fresh
    assert links.read_opt_out_token(tokens["opt out"]).service_id == 3
    assert links.read_mail_token(tokens["mail"]).service_id == 3
    # That an act is too old to be undone, its events say.
    assert links.read_undo_token(tokens["undo"]).event_ids == (1, 2)


@pytest.mark.parametrize("purpose", READERS)
def test_keys_rotate(purpose: str, settings: Any) -> None:
    make, read = READERS[purpose]
    old = make()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of this site"
    assert read(make()).profile_id == 7
    assert make() != old
    if purpose == "undo":  # it would start messages
        with pytest.raises(BadLink):
            read(old)
    else:
        assert read(old).profile_id == 7
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadLink):
        read(old)


def test_a_token_says_ids_and_nothing_else() -> None:
    payload = links.opt_out_token(PAGE).partition(".")[0]
    assert base64.urlsafe_b64decode(payload + "==") == b'[7,"e",3,12]'


@pytest.mark.parametrize("shout", [str.lower, str.upper])
def test_a_mail_address_survives_what_happens_to_letter_case(
    shout: Callable[[str], str], settings: Any
) -> None:
    settings.UNSUBSCRIBE_MAILBOX = "unsubscribe@news.example.org"
    local, _at, domain = links.unsubscribe_address(PAGE).partition("@")
    token = local.removeprefix("unsubscribe+")
    assert domain == "news.example.org"
    link = links.read_mail_token(shout(token))
    assert (link.profile_id, link.channel, link.service_id) == (7, "email", 3)
    assert link.delivery_id == 12


@pytest.mark.parametrize("size", [1, 10**6, 10**9, 2**40, 2**63 - 1])
def test_the_part_before_the_at_is_never_too_long(size: int, settings: Any) -> None:
    settings.UNSUBSCRIBE_MAILBOX = "unsubscribe@news.example.org"
    address = links.unsubscribe_address(Link(size, "direct_mail", size, size))
    assert len(address.partition("@")[0]) <= 64
    assert bool(address) == (size < 2**41)


# How many forgeries are tried; FORGERIES=100000 takes some minutes.
FORGERIES = int(os.environ.get("FORGERIES", "2000"))


def test_no_forgery_made_of_real_tokens_is_read() -> None:
    """Cut, altered, and put together from parts of other people's tokens."""
    chance = random.Random(FORGERIES)
    links_of = [
        Link(pk, channel, service, 12, "stop", "denylist")
        for pk in (7, 8, 70, 2**40)
        for channel in ("email", "sms")
        for service in (None, 3)
    ]
    real = [
        make(link)
        for link in links_of
        for make in (links.opt_out_token, page_token, mail_token)
    ]
    real += [links.undo_token(Undo(link.profile_id, (1, 2))) for link in links_of]
    genuine = {token.lower() for token in real}
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=:%é\0"

    def altered(token: str) -> str:
        place = chance.randrange(len(token))
        return token[:place] + chance.choice(alphabet) + token[place + 1 :]

    def cut(token: str) -> str:
        start, end = sorted(chance.sample(range(len(token) + 1), 2))
        return token[start:end]

    def with_parts_of_another(token: str) -> str:
        parts, other = token.split("."), chance.choice(real).split(".")
        place = chance.randrange(min(len(parts), len(other)))
        return ".".join([*parts[:place], other[place], *parts[place + 1 :]])

    def turned(token: str) -> str:
        place = chance.randrange(len(token) - 1)
        return token[:place] + token[place : place + 2][::-1] + token[place + 2 :]

    ways = (altered, cut, with_parts_of_another, turned)
    for _number in range(FORGERIES):
        forged = chance.choice(ways)(chance.choice(real))
        if forged.lower() in genuine:
            continue
        for _make, read in READERS.values():
            with pytest.raises(BadLink):
                read(forged)
