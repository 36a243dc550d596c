"""Personal links as web addresses: for one click, a page, a confirmation, an undo."""

import time
from dataclasses import astuple, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from audiences.links import signing
from audiences.links.payloads import CHANNELS, LETTERS, Confirmation, Link, Undo
from audiences.links.signing import BadLink, Purpose

# How long what somebody has just done can be undone.
UNDO_LIFE = timedelta(days=1)


def opt_out_token(link: Link) -> str:
    """A token for one-click and opting out; it is valid for ever."""
    return signing.sign(Purpose.OPT_OUT, _facts(link)[:4])


def read_opt_out_token(token: str) -> Link:
    """What a one-click token says; raises BadLink."""
    facts, _signed_at = signing.read(Purpose.OPT_OUT, token)
    return _link(facts, 4)


def one_click_url(link: Link) -> str:
    """The address of RFC 8058 for the List-Unsubscribe header; also a page."""
    return _url("one_click", opt_out_token(link))


def page_token(link: Link) -> str:
    """A personal token for one landing page."""
    return signing.sign(Purpose.PAGE, _facts(link))


def read_page_token(token: str, page: str) -> Link:
    """What a token says that must be for this page; raises BadLink."""
    facts, signed_at = signing.read(Purpose.PAGE, token)
    link = _link(facts, 6)
    if link.page != page:
        raise BadLink
    age = timedelta(seconds=time.time() - signed_at)
    is_fresh = age <= timedelta(days=settings.EDIT_LINK_DAYS)
    return replace(link, is_fresh=is_fresh, signed_at=signed_at)


def page_url(link: Link) -> str:
    """The personal address of a landing page."""
    return _url("personal", link.page, page_token(link))


def undo_token(undo: Undo) -> str:
    facts = [undo.profile_id, list(undo.event_ids), int(undo.stopped_address)]
    return signing.sign(Purpose.UNDO, facts)


def read_undo_token(token: str) -> Undo:
    """What may be undone; raises BadLink, also when it is too late."""
    facts, _signed_at = signing.read(Purpose.UNDO, token, max_age=UNDO_LIFE)
    profile_id, event_ids, stopped = facts
    return Undo(profile_id, tuple(event_ids), bool(stopped))


def confirmation_url(confirmation: Confirmation) -> str:
    """The address in the message that asks to confirm a subscription (S6)."""
    token = signing.sign(Purpose.CONFIRM_SUBSCRIPTION, list(astuple(confirmation)))
    return _url("confirm_subscription", token)


def read_confirmation_token(token: str) -> Confirmation:
    """Which request is meant; raises BadLink. Its row says until when it counts."""
    facts, _signed_at = signing.read(Purpose.CONFIRM_SUBSCRIPTION, token)
    return Confirmation(*facts)


def signup_url(page: str, request_id: int) -> str:
    """The address in the mail that asks to confirm a sign-up on a page (S6)."""
    token = signing.sign_undated(Purpose.CONFIRM_SIGNUP, [request_id])
    return _url("confirm_signup", page, token)


def read_signup_token(token: str) -> int:
    """Which sign-up is meant; raises BadLink. Its row says until when it counts."""
    (request_id,) = signing.read_undated(Purpose.CONFIRM_SIGNUP, token)
    return int(request_id)


def _url(name: str, *parts: str) -> str:
    return f"{settings.BASE_URL}{reverse(f'pages:{name}', args=parts)}"


def _facts(link: Link) -> list[Any]:
    facts = [*astuple(link)[:6]]
    facts[1] = LETTERS[link.channel]
    return [0 if fact is None else fact for fact in facts]


def _link(facts: list[Any], count: int) -> Link:
    if len(facts) != count or facts[1] not in CHANNELS:
        raise BadLink
    profile_id, letter, service_id, delivery_id, *page = facts
    channel = CHANNELS[letter]
    return Link(profile_id, channel, service_id or None, delivery_id or None, *page)
