"""Personal links as web addresses: for one click, a page, a confirmation, an undo."""

import time
from dataclasses import astuple, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from audiences.links import signing
from audiences.links.payloads import (
    CHANNELS,
    LETTERS,
    Confirmation,
    Link,
    Permission,
    Undo,
)
from audiences.links.signing import BadLink, Purpose, Signed


def sent(link: Link, channel: str, key: str) -> Link:
    """The link as it is sent to this address, so that it may start that channel."""
    return replace(link, sent_on=channel, sent_to=signing.mark(channel, key))


def went_to(sent_to: str, channel: str, key: str) -> bool:
    """Whether this is the address that a link was sent to."""
    return bool(sent_to) and constant_time_compare(sent_to, signing.mark(channel, key))


def opt_out_token(link: Link) -> str:
    """A token for one-click and opting out; it is valid for ever."""
    return signing.sign(Purpose.OPT_OUT, _facts(link)[:4])


def read_opt_out_token(token: str) -> Link:
    """What a one-click token says; raises BadLink."""
    signed = signing.read(Purpose.OPT_OUT, token)
    return _link(signed, 4)


def one_click_url(link: Link) -> str:
    """The address of RFC 8058 for the List-Unsubscribe header; also a page."""
    return _url("one_click", opt_out_token(link))


def page_token(link: Link) -> str:
    """A personal token for one landing page."""
    return signing.sign(Purpose.PAGE, _facts(link))


def read_page_token(token: str, page: str) -> Link:
    """What a token says that must be for this page; raises BadLink."""
    signed = signing.read(Purpose.PAGE, token)
    # Those that were made before they knew their address have six facts.
    link = _link(signed, 6 if len(signed.facts) == 6 else 8)
    if link.page != page:
        raise BadLink
    age = timedelta(seconds=time.time() - signed.at)
    is_young = age <= timedelta(days=settings.EDIT_LINK_DAYS)
    return replace(link, is_fresh=is_young and link.is_strong)


def page_url(link: Link) -> str:
    """The personal address of a landing page."""
    return _url("personal", link.page, page_token(link))


def undo_token(undo: Undo, *, at: int = 0) -> str:
    """A token to undo an act; `at` is when the link was signed that the visitor has.

    So nobody gets a token that is younger than their own. When the act is too old to be
    undone, its events say.
    """
    facts = [undo.profile_id, list(undo.event_ids), int(undo.stopped_address)]
    if undo.wishes or undo.ended:
        facts += [list(undo.wishes), list(undo.ended)]
    return signing.sign(Purpose.UNDO, facts, at=at)


def read_undo_token(token: str) -> Undo:
    """What may be undone; raises BadLink."""
    signed = signing.read_to_start(Purpose.UNDO, token)
    profile_id, event_ids, stopped, *wishes = signed.facts
    expressed, ended = wishes or ([], [])
    return Undo(
        profile_id, tuple(event_ids), bool(stopped), tuple(expressed), tuple(ended)
    )


def confirmation_url(confirmation: Confirmation) -> str:
    """The address in the message that asks to confirm a subscription (S6)."""
    token = signing.sign(Purpose.CONFIRM_SUBSCRIPTION, list(astuple(confirmation)))
    return _url("confirm_subscription", token)


def read_confirmation_token(token: str) -> Confirmation:
    """Which request is meant; raises BadLink, also when its time is over.

    The row of the request says whether it still waits.
    """
    signed = signing.read_to_start(Purpose.CONFIRM_SUBSCRIPTION, token)
    if not _confirmable(signed.at):
        raise BadLink
    return Confirmation(*signed.facts)


def permission_url(permission: Permission) -> str:
    """The address in the message that asks whether a channel is allowed again."""
    profile_id, channel, sent_to, after, _at = astuple(permission)
    facts = [profile_id, LETTERS[channel], sent_to, after]
    return _url("confirm_channel", signing.sign(Purpose.CONFIRM_CHANNEL, facts))


def read_permission_token(token: str) -> Permission:
    """What is allowed again; raises BadLink, also when its time is over."""
    signed = signing.read_to_start(Purpose.CONFIRM_CHANNEL, token)
    profile_id, letter, sent_to, after = signed.facts
    if not _confirmable(signed.at):
        raise BadLink
    return Permission(profile_id, CHANNELS[letter], sent_to, after, signed.at)


def signup_url(page: str, request_id: int) -> str:
    """The address in the mail that asks to confirm a sign-up on a page (S6)."""
    token = signing.sign_undated(Purpose.CONFIRM_SIGNUP, [request_id])
    return _url("confirm_signup", page, token)


def read_signup_token(token: str) -> int:
    """Which sign-up is meant; raises BadLink. Its row says until when it counts."""
    (request_id,) = signing.read_undated(Purpose.CONFIRM_SIGNUP, token)
    return int(request_id)


def address_url(mail_id: int) -> str:
    """The address in the message that asks whether an address is somebody's."""
    return _url(
        "confirm_address", signing.sign_undated(Purpose.CONFIRM_ADDRESS, [mail_id])
    )


def read_address_token(token: str) -> int:
    """Which message asked; raises BadLink. Its row says until when it counts."""
    (mail_id,) = signing.read_undated(Purpose.CONFIRM_ADDRESS, token)
    return int(mail_id)


def data_url(request_id: int, sent_to: str) -> str:
    """The address in the mail that answers a request for one's data."""
    return _url("data", signing.sign(Purpose.DATA, [request_id, sent_to]))


def read_data_token(token: str) -> tuple[int, int, str]:
    """When it was signed, for which request, and the mark of where it was sent.

    Raises BadLink. What it opens, and until when, its request says.
    """
    signed = signing.read_to_start(Purpose.DATA, token)
    request_id, sent_to = signed.facts
    return signed.at, int(request_id), str(sent_to)


def _confirmable(signed_at: int) -> bool:
    """Whether a link that asks to confirm something is young enough."""
    days = settings.PENDING_SUBSCRIPTION_DAYS
    return time.time() - signed_at <= timedelta(days=days).total_seconds()


def _url(name: str, *parts: str) -> str:
    return f"{settings.BASE_URL}{reverse(f'pages:{name}', args=parts)}"


def _facts(link: Link) -> list[Any]:
    """The facts of a page's token; the first four are those of one click."""
    facts = [*astuple(link)[:8]]
    facts[1] = LETTERS[link.channel]
    facts[6] = LETTERS.get(link.sent_on, "")
    return [0 if fact is None else fact for fact in facts]


def _link(signed: Signed, count: int) -> Link:
    facts = signed.facts
    if len(facts) != count or facts[1] not in CHANNELS:
        raise BadLink
    profile_id, letter, service_id, delivery_id, *rest = facts
    page, kind, sent_on, sent_to = (*rest, *("",) * 4)[:4]
    return Link(
        profile_id,
        CHANNELS[letter],
        service_id or None,
        delivery_id or None,
        page,
        kind,
        CHANNELS.get(sent_on, ""),
        sent_to,
        signed_at=signed.at,
        is_strong=signed.by_key_of_now,
    )
