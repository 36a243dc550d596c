"""How addresses are compared: the normalised key of each channel (Q7)."""

import functools
import hashlib
import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from audiences.channels import ADDRESS_KINDS, AddressKind, Channel
from audiences.refusals import Refused

LONGEST_KEY = 500


class InvalidAddress(Refused):
    """The text cannot be an address of the channel; the message says why."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """An address as given and as compared; `reason` says why if it is invalid."""

    value: str
    key: str
    reason: str = ""

    @property
    def is_valid(self) -> bool:
        return not self.reason


def normalise(channel: str, text: str) -> Normalised:
    """The value and key of an address; raises InvalidAddress with the reason.

    Email: NFC, IDNA (RFC 5891) and casefold, without DNS lookups. SMS, phone and fax:
    E.164, valid by the numbering plan of its country; a number without + needs
    PHONE_REGION. Direct mail: NFC, one space between words, casefold. Push: the token
    as it is, case kept.
    """
    value = text.strip()
    if not value:
        raise InvalidAddress(_("it is empty"))
    if problem := unstorable(value):
        raise InvalidAddress(problem)
    return Normalised(value, _bounded(_KEYS[ADDRESS_KINDS[Channel(channel)]](value)))


def unstorable(text: str) -> str:
    """Why no database can store the text; empty when it can be stored."""
    if "\x00" in text:
        return _("it contains a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        return _("it is not readable as UTF-8")
    return ""


def accept(channel: str, text: str) -> Normalised:
    """Like `normalise`, but keep an invalid address: its key is the casefolded text.

    The caller has refused text that is `unstorable`.
    """
    try:
        return normalise(channel, text)
    except InvalidAddress as error:
        value = text.strip()
        return Normalised(value, _bounded(value.casefold()), reason=str(error))


def handed_over(channel: str, value: str, key: "str | Normalised") -> str:
    """The address in the form in which other systems send to it.

    Numbers as their key (E.164); the domain of an email in ASCII, its local part as it
    was given. An address that is not valid, and any other, as it is.
    """
    if isinstance(key, Normalised):
        key = key.key if key.is_valid else ""
    kind = ADDRESS_KINDS[Channel(channel)]
    if kind is AddressKind.NUMBER:
        return key or value
    if kind is AddressKind.EMAIL and "@" in key:
        return f"{value.rpartition('@')[0]}@{key.rpartition('@')[2]}"
    return value


def _bounded(key: str) -> str:
    """Keep a key short enough for an index; a long one ends in its digest."""
    if len(key) <= LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"{key[: LONGEST_KEY - len(digest) - 1]}#{digest}"


# What nearly every address looks like (RFC 5321 dot-string): such local parts need no
# closer look, and their domains recur.
_PLAIN_EMAIL = re.compile(
    r"([a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([^@]+)"
)


_LONGEST_LOCAL, _LONGEST_EMAIL = 64, 254


def _email_key(value: str) -> str:
    plain = _PLAIN_EMAIL.fullmatch(value)
    if plain and len(plain[1]) <= _LONGEST_LOCAL:
        domain = _plain_domain(plain[2])
        key = f"{plain[1].lower()}@{domain}"
        if domain and len(key) <= _LONGEST_EMAIL:
            return key
    try:
        address = _validated(value)
    except EmailNotValidError as error:
        raise InvalidAddress(str(error)) from error
    local = unicodedata.normalize("NFC", address.local_part.casefold())
    domain = address.ascii_domain or address.domain
    return f"{local}@{domain.lower()}"


def _validated(value: str) -> ValidatedEmail:
    return validate_email(
        value,
        check_deliverability=False,
        allow_quoted_local=True,
        # The domain .test reaches nobody and is useful for trying things out.
        test_environment=True,
    )


@functools.lru_cache(maxsize=10_000)
def _plain_domain(domain: str) -> str:
    """The IDNA form of a domain, or an empty text when it is not a valid one."""
    try:
        return (_validated(f"a@{domain}").ascii_domain or "").lower()
    except EmailNotValidError:
        return ""


def domain_key(domain: str) -> str:
    """A domain as the keys of email addresses have it: IDNA, lower case."""
    return _plain_domain(domain) or domain.casefold()


# Spreadsheets turn numbers into 612345678.0 or 3.16E+10, whose digits are not safe.
_SPREADSHEET_NUMBER = re.compile(r"^\s*'?\+?\d+[.,]0+\s*$|\d[eE][+-]?\d")


def _number_key(value: str) -> str:
    if _SPREADSHEET_NUMBER.search(unicodedata.normalize("NFKC", value)):
        raise InvalidAddress(
            _("a spreadsheet has changed the number; export the column as text")
        )
    region = settings.PHONE_REGION or None
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == error.INVALID_COUNTRY_CODE and not region:
            raise InvalidAddress(
                _("a number without + and country code needs PHONE_REGION")
            ) from error
        raise InvalidAddress(_("it is not a phone number")) from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidAddress(_("no country has such a phone number"))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _postal_key(value: str) -> str:
    # Canonical caseless matching (Unicode 3.13, D145): decomposed, folded, composed.
    text = unicodedata.normalize("NFD", " ".join(value.split())).casefold()
    return unicodedata.normalize("NFC", text)


def _token_key(value: str) -> str:
    if any(character.isspace() for character in value):
        raise InvalidAddress(_("a device token has no spaces"))
    return value


_KEYS = {
    AddressKind.EMAIL: _email_key,
    AddressKind.NUMBER: _number_key,
    AddressKind.POSTAL: _postal_key,
    AddressKind.TOKEN: _token_key,
}


def readings(text: str) -> set[tuple[str, str]]:
    """The channels and keys that the text may mean as an address."""
    return {(channel, accept(channel, text).key) for channel in Channel}
