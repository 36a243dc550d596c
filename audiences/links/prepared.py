"""The same personal links for very many people: signed as the others, and faster.

A token is made once by the ordinary function, for a person who does not exist. What it
says is cut where that person's number stands, so whatever tokens say, these say it too.
For everybody else only the number is put in and the result signed, with keys that were
derived once. All of them say that they were made in the same second, and are given as
the bytes that they are in a message.
"""

import functools
import hashlib
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.core.signing import b62_encode, b64_decode

from audiences import masking
from audiences.links import mail_addresses, signing
from audiences.links.payloads import Link
from audiences.links.signing import Purpose

# A number that no person has, and that nothing else in a token is.
_NOBODY = 7_316_529_408_316_529_407
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]

# Of a profile, whose address has this key.
Write = Callable[[int, str], bytes]
# The mark of an address that nobody has, as long as every mark.
_NO_MARK = "nobodys-address-"


# A message has several links of one person.
@functools.lru_cache(maxsize=100)
def _base36(number: int) -> bytes:
    return mail_addresses.base36(number).encode()


def keyed(salted: str) -> Callable[[bytes], bytes]:
    """Keyed hashes by the key that signs now.

    `salted` is what Django's `salted_hmac` puts before the key.
    """
    secret = signing.key_of_now()
    hashed = masking.keyed(hashlib.sha256((salted + secret).encode()).digest())

    def digest(text: bytes) -> bytes:
        made: bytes = hashed(text).digest()
        return made

    return digest


def web_address(
    purpose: Purpose, make: Callable[[Link], str], link: Link, *, at: int = 0
) -> Write:
    """A function that writes the web address of `link` for any profile.

    `make` writes it for one, with a token of that purpose at its end, such as
    `one_click_url`. The tokens say that they were made now, or `at` (in seconds). A
    link that says on which channel it is sent also has the mark of each address.
    """
    nobody = replace(link, profile_id=_NOBODY)
    if link.sent_on:
        nobody = replace(nobody, sent_to=_NO_MARK)
    address = make(nobody).rstrip("/")
    beginning, _slash, token = address.rpartition("/")
    facts, now, _signature = token.split(".")
    stamp = b62_encode(at) if at else now
    before, after = b64_decode(facts.encode()).split(str(_NOBODY).encode())
    start, tail = f"{beginning}/".encode(), f".{stamp}".encode()
    digest = keyed(f"{purpose}signer")
    # Only tokens of pages have a place for a mark.
    between, has_mark, end = after.partition(_NO_MARK.encode())
    mark = _marks(link.sent_on) if has_mark else _no_mark

    def write(profile_id: int, key: str) -> bytes:
        said = b"%b%d%b%b%b" % (before, profile_id, between, mark(key), end)
        facts = b2a_base64(said, newline=False)
        value = facts.translate(_URL_SAFE, b"=") + tail
        signature = b2a_base64(digest(value), newline=False)
        return b"%b%b.%b/" % (start, value, signature.translate(_URL_SAFE, b"="))

    return write


def _marks(channel: str) -> Callable[[str], bytes]:
    """`signing.mark` on a channel."""
    digest = keyed(Purpose.SENT_TO)

    def mark(key: str) -> bytes:
        whole = digest(f"{channel}:{key}".encode())
        return b2a_base64(whole[:12], newline=False).translate(_URL_SAFE)

    return mark


def _no_mark(key: str) -> bytes:
    return b""


def mail_address(mailbox: str, salt: str, make: Callable[[int], str]) -> Write:
    """A function that writes the tagged mailbox for any profile; empty where too long.

    `make` writes the tag for one.
    """
    local, at, domain = mailbox.encode().rpartition(b"@")
    if not at:
        return lambda profile_id, key: b""
    payload, _dot, _signature = make(_NOBODY).rpartition(".")
    before, after = payload.encode().split(_base36(_NOBODY))
    room = mail_addresses.LONGEST_LOCAL_PART - len(local) - 1
    digest = keyed(salt)

    def write(profile_id: int, key: str) -> bytes:
        said = b"%b%b%b" % (before, _base36(profile_id), after)
        tag = b"%b.%b" % (said, _short(digest(said)))
        return b"%b+%b@%b" % (local, tag, domain) if len(tag) <= room else b""

    return write


def unsubscribe_address(link: Link) -> Write:
    """`mail_addresses.unsubscribe_address` for any profile."""
    mailbox = settings.UNSUBSCRIBE_MAILBOX
    salt = Purpose.MAIL
    without_delivery = replace(link, delivery_id=None)
    whole = mail_address(mailbox, salt, _mail_tag(link))
    shorter = mail_address(mailbox, salt, _mail_tag(without_delivery))
    return lambda pk, key: whole(pk, key) or shorter(pk, key)


def _mail_tag(link: Link) -> Callable[[int], str]:
    return lambda pk: mail_addresses.mail_token(replace(link, profile_id=pk))


def _short(digest: bytes) -> bytes:
    """128 bits in base32, in small letters and without padding (RFC 4648, 6)."""
    number = int.from_bytes(digest[:16], "big") << 2
    high, low = number >> 60, number & 0xFFFFFFFFFFFFFFF
    return (
        f"{_PAIRS[high >> 60]}{_PAIRS[high >> 50 & 1023]}{_PAIRS[high >> 40 & 1023]}"
        f"{_PAIRS[high >> 30 & 1023]}{_PAIRS[high >> 20 & 1023]}"
        f"{_PAIRS[high >> 10 & 1023]}{_PAIRS[high & 1023]}"
        f"{_PAIRS[low >> 50]}{_PAIRS[low >> 40 & 1023]}{_PAIRS[low >> 30 & 1023]}"
        f"{_PAIRS[low >> 20 & 1023]}{_PAIRS[low >> 10 & 1023]}{_PAIRS[low & 1023]}"
    ).encode()
