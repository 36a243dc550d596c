"""Signed personal links. A token says who and what it is about, by ids alone.

Each purpose has a salt of its own, so that a token of one cannot serve another. Keys
rotate by SECRET_KEY and SECRET_KEY_FALLBACKS. Opting out works for ever; opting in and
changing details only while a link is fresh (EDIT_LINK_DAYS). No row of a delivery is
needed to honour a link.
"""

import base64
import re
from dataclasses import astuple, dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from audiences.channels import Channel

# How long what somebody has just done can be undone.
UNDO_LIFE = timedelta(days=1)
LONGEST_TOKEN = 2_000
# RFC 5321 4.5.3.1.1: the most octets before the @.
LONGEST_LOCAL_PART = 64
# How tokens write a channel. Never change a letter: links work for ever.
LETTERS: dict[str, str] = {
    Channel.EMAIL: "e",
    Channel.SMS: "s",
    Channel.PHONE: "p",
    Channel.DIRECT_MAIL: "d",
    Channel.PUSH: "u",
    Channel.FAX: "f",
}
_CHANNELS = {letter: channel for channel, letter in LETTERS.items()}

_OPT_OUT = "audiences.links.optout"
_PAGE = "audiences.links.page"
_UNDO = "audiences.links.undo"
_MAIL = "audiences.links.mail"
_CONFIRM = "audiences.links.confirm"


class BadLink(Exception):
    """Forged, cut off, for another purpose, or too old: nothing more is said."""


@dataclass(frozen=True)
class Link:
    """What a token says. `page` and `kind` only where it leads to a landing page.

    The rest is not written in a token but known of it: `is_fresh`, whether it may still
    opt in and edit, and `signed_at`, when it was made, in seconds.
    """

    profile_id: int
    channel: str = Channel.EMAIL
    service_id: int | None = None
    delivery_id: int | None = None
    page: str = ""
    kind: str = ""
    is_fresh: bool = False
    signed_at: int = 0


@dataclass(frozen=True)
class Undo:
    """Which events of a profile may be reversed."""

    profile_id: int
    event_ids: tuple[int, ...]
    stopped_address: bool = False


@dataclass(frozen=True)
class Confirmation:
    """Which request for a subscription is confirmed: `event_id` in the history."""

    profile_id: int
    service_id: int
    event_id: int


# ------------------------------------------------------------- tokens of web addresses
def opt_out_token(link: Link) -> str:
    """A token for one-click and opting out; it is valid for ever."""
    return _sign(_OPT_OUT, _facts(replace(link, page="", kind=""))[:4])


def read_opt_out_token(token: str) -> Link:
    """What a one-click token says; raises BadLink."""
    facts, _fresh = _read(_OPT_OUT, token)
    return _link(facts, 4)


def page_token(link: Link) -> str:
    """A personal token for one landing page."""
    return _sign(_PAGE, _facts(link))


def read_page_token(token: str, page: str) -> Link:
    """What a token says that must be for this page; raises BadLink."""
    facts, is_fresh = _read(_PAGE, token)
    link = _link(facts, 6)
    if link.page != page:
        raise BadLink
    signed_at = signing.b62_decode(token.rsplit(".", 2)[1])
    return replace(link, is_fresh=is_fresh, signed_at=signed_at)


def undo_token(undo: Undo) -> str:
    facts = [undo.profile_id, list(undo.event_ids), int(undo.stopped_address)]
    return _sign(_UNDO, facts)


def read_undo_token(token: str) -> Undo:
    """What may be undone; raises BadLink, also when it is too late."""
    facts, _fresh = _read(_UNDO, token, max_age=UNDO_LIFE)
    profile_id, event_ids, stopped = facts
    return Undo(profile_id, tuple(event_ids), bool(stopped))


def confirmation_url(confirmation: Confirmation) -> str:
    """The address in the message that asks to confirm a subscription (S6)."""
    token = _sign(_CONFIRM, list(astuple(confirmation)))
    path = reverse("pages:confirm_subscription", args=[token])
    return f"{settings.BASE_URL}{path}"


def read_confirmation_token(token: str) -> Confirmation:
    """Which request is meant; raises BadLink. Its row says until when it counts."""
    facts, _fresh = _read(_CONFIRM, token)
    return Confirmation(*facts)


def _signer(salt: str) -> signing.TimestampSigner:
    # A colon would need quoting in some places where addresses are written.
    return signing.TimestampSigner(salt=salt, sep=".")


def _sign(salt: str, facts: list[Any]) -> str:
    return _signer(salt).sign_object(facts)


def _read(
    salt: str, token: str, max_age: timedelta | None = None
) -> tuple[list[Any], bool]:
    """The signed facts, and whether the token is fresh enough to edit with."""
    if len(token) > LONGEST_TOKEN:
        raise BadLink
    signer = _signer(salt)
    try:
        facts = signer.unsign_object(token, max_age=max_age)
    except (signing.BadSignature, ValueError) as error:
        raise BadLink from error
    try:
        signer.unsign(token, max_age=timedelta(days=settings.EDIT_LINK_DAYS))
    except signing.SignatureExpired:
        return facts, False
    return facts, True


def _facts(link: Link) -> list[Any]:
    facts = [*astuple(link)[:6]]
    facts[1] = LETTERS[link.channel]
    return [0 if fact is None else fact for fact in facts]


def _link(facts: list[Any], count: int) -> Link:
    if len(facts) != count or facts[1] not in _CHANNELS:
        raise BadLink
    profile_id, letter, service_id, delivery_id, *page = facts
    return Link(
        profile_id,
        _CHANNELS[letter],
        service_id or None,
        delivery_id or None,
        *page,
    )


# ---------------------------------------------------------------- whole web addresses
def one_click_url(link: Link) -> str:
    """The address of RFC 8058 for the List-Unsubscribe header; also a page."""
    path = reverse("pages:one_click", args=[opt_out_token(link)])
    return f"{settings.BASE_URL}{path}"


def page_url(link: Link) -> str:
    """The personal address of a landing page."""
    path = reverse("pages:personal", args=[link.page, page_token(link)])
    return f"{settings.BASE_URL}{path}"


# ------------------------------------------------------------ tokens of mail addresses
# 0-9a-z and dots, whatever becomes of letter case, and short enough for a local part.
_MAIL_TOKEN = re.compile(
    r"([0-9a-z]+)\.([espduf])\.([0-9a-z]+)\.([0-9a-z]+)\.([a-z2-7]{26})"
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def unsubscribe_address(link: Link) -> str:
    """The address that unsubscribes by a mail to it; empty when there is none.

    `unsubscribe+<token>@<domain>` where UNSUBSCRIBE_MAILBOX is `unsubscribe@<domain>`.
    """
    local, at, domain = settings.UNSUBSCRIBE_MAILBOX.rpartition("@")
    if not at:
        return ""
    for candidate in (link, replace(link, delivery_id=None)):
        address = f"{local}+{mail_token(candidate)}"
        if len(address) <= LONGEST_LOCAL_PART:
            return f"{address}@{domain}"
    return ""


def mail_token(link: Link) -> str:
    """A token that stands in a mail address: who, where, which service and delivery."""
    payload = ".".join(
        (
            base36(link.profile_id),
            LETTERS[link.channel],
            base36(link.service_id or 0),
            base36(link.delivery_id or 0),
        )
    )
    return f"{payload}.{short_signature(_MAIL, payload)}"


def read_mail_token(token: str) -> Link:
    """What the token of a mail address says, in any letter case; raises BadLink."""
    match = _MAIL_TOKEN.fullmatch(token.lower()) if len(token) < 100 else None
    if match is None:
        raise BadLink
    payload, _dot, signature = match[0].rpartition(".")
    if not is_short_signature(_MAIL, payload, signature):
        raise BadLink
    return Link(
        int(match[1], 36),
        _CHANNELS[match[2]],
        int(match[3], 36) or None,
        int(match[4], 36) or None,
    )


def short_signature(salt: str, payload: str, key: str = "") -> str:
    """A signature for a mail address: 128 bits of an HMAC (RFC 2104, 5) in base32.

    `key` is the secret key unless given.
    """
    secret = key or settings.SECRET_KEY
    digest = salted_hmac(salt, payload, secret=secret, algorithm="sha256").digest()
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()


def is_short_signature(salt: str, payload: str, signature: str) -> bool:
    """Whether the signature is that of the payload, by any key that is in use."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(
        constant_time_compare(signature, short_signature(salt, payload, key))
        for key in keys
    )


def base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
