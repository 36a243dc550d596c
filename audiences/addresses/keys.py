"""How addresses are compared: the normalised key of each channel (Q7)."""

import functools
import hashlib
import re
import unicodedata
from typing import NamedTuple

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext_noop as _
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from audiences.addresses.cleaning import cleaned, several
from audiences.addresses.plain import is_no_number, plain_domain, plain_number
from audiences.channels import ADDRESS_KINDS, AddressKind, Channel
from audiences.files import cleaning
from audiences.refusals import Refused, Sentence

LONGEST_KEY = 500
# A postal address may have many lines.
LONGEST_POSTAL = 2_000


class InvalidAddress(Refused):
    """The text cannot be an address of the channel; the sentence says why."""

    def __init__(self, reason: str, **values: object) -> None:
        self.sentence = Sentence(reason, values)
        super().__init__(self.sentence)


class Normalised(NamedTuple):
    """An address as given and as compared; `reason` says why if it is invalid."""

    value: str
    key: str
    reason: Sentence | str = ""

    @property
    def is_valid(self) -> bool:
        return not self.reason


def normalise(channel: str, text: str) -> Normalised:
    """The value and key of an address; raises InvalidAddress with the reason.

    What people and spreadsheets put around it is cleaned away (`cleaned`). Email: NFC,
    IDNA (RFC 5891) and casefold, without DNS lookups. SMS, phone and fax: E.164, valid
    by the numbering plan of its country; a number without + needs PHONE_REGION. Direct
    mail: NFC, one space between words, casefold. Push: the token as it is, case kept.
    """
    kind = ADDRESS_KINDS[channel]
    if key := plain_key(kind, text):
        return Normalised(text, key)
    if problem := unstorable(text):
        raise InvalidAddress(problem)
    value = cleaned(kind, text)
    if not value:
        raise InvalidAddress(_("it is empty"))
    if cleaning.says_nothing(value):
        raise InvalidAddress(cleaning.nothing().text)
    most = longest(channel)
    if len(value) > most:
        raise InvalidAddress(_("it is longer than {most} characters"), most=most)
    return Normalised(value, _bounded(_KEYS[kind](value)))


def normalise_all(channel: str, text: str) -> list[Normalised]:
    """The addresses in a text that may hold several; invalid ones are kept (`accept`).

    Valid ones come first, in their order. The caller has refused text that is
    `unstorable`.
    """
    kind = ADDRESS_KINDS[channel]
    if key := plain_key(kind, text):
        return [Normalised(text, key)]
    whole = accept(channel, text)
    parts = several(kind, text)
    if parts == [text] or (whole.is_valid and kind == AddressKind.EMAIL):
        return [whole]
    found = {given.key: given for given in (accept(channel, part) for part in parts)}
    return sorted(found.values(), key=lambda given: not given.is_valid)


def longest(channel: str) -> int:
    """How many characters an address of the channel may have."""
    is_postal = ADDRESS_KINDS[Channel(channel)] == AddressKind.POSTAL
    return LONGEST_POSTAL if is_postal else cleaning.LONGEST


def unstorable(text: str) -> str:
    """Why no database can store the text; empty when it can be stored."""
    if text.isascii() and "\x00" not in text:
        return ""
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
        value = cleaning.visible(text)
        return Normalised(value, _bounded(value.casefold()), reason=error.sentence)


def _bounded(key: str) -> str:
    """Keep a key short enough for an index; a long one ends in its digest."""
    if len(key) <= LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"{key[: LONGEST_KEY - len(digest) - 1]}#{digest}"


# What nearly every address looks like (RFC 5321 dot-string): such local parts need no
# closer look, and their domains recur.
_PLAIN_EMAIL = re.compile(
    r"([a-zA-Z0-9!#$%&*+/=?^_`{|}~-][a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]*"
    r"(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([^@\s]+)"
)
_LONGEST_LOCAL, _LONGEST_EMAIL = 64, 254


def plain_key(kind: AddressKind, text: str) -> str:
    """The key of an address that is as plain as nearly all are, else an empty text."""
    if kind == AddressKind.EMAIL:
        return _plain_email(text)
    if kind == AddressKind.NUMBER:
        return plain_number(text, settings.PHONE_REGION)
    return ""


def _plain_email(text: str) -> str:
    plain = _PLAIN_EMAIL.fullmatch(text)
    if not plain:
        return ""
    local, domain = plain.groups()
    if len(local) > _LONGEST_LOCAL or not (domain := _domain(domain)):
        return ""
    key = f"{local.lower()}@{domain}"
    return key if len(key) <= _LONGEST_EMAIL else ""


def _email_key(value: str) -> str:
    if key := _plain_email(value):
        return key
    try:
        address = _validated(value)
    except EmailNotValidError as error:
        raise InvalidAddress(_why_no_email(value)) from error
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


def _why_no_email(value: str) -> str:
    """The nearest reason, in words that have a translation."""
    local, at, domain = value.rpartition("@")
    if not at:
        return _("it has no @")
    if not local or not domain:
        return _("nothing stands before or after the @")
    if value.count("@") > 1:
        return _("it has more than one @")
    if any(character.isspace() for character in value):
        return _("it has a space in it")
    if "." not in domain:
        return _("what stands after the @ is no domain")
    return _("it is not an email address")


@functools.lru_cache(maxsize=20_000)
def _domain(domain: str) -> str:
    """The IDNA form of a domain, or an empty text when it is not a valid one."""
    if plain := plain_domain(domain):
        return plain
    try:
        return (_validated(f"a@{domain}").ascii_domain or "").lower()
    except EmailNotValidError:
        return ""


def domain_key(domain: str) -> str:
    """A domain as the keys of email addresses have it: IDNA, lower case."""
    return _domain(domain) or domain.casefold()


# Spreadsheets turn numbers into 612345678.0 or 3.16E+10, whose digits are not safe.
_SPREADSHEET_NUMBER = re.compile(r"^\s*'?\+?\d+[.,]0+\s*$|\d[eE][+-]?\d")


def _number_key(value: str) -> str:
    if _SPREADSHEET_NUMBER.search(unicodedata.normalize("NFKC", value)):
        raise InvalidAddress(
            _("a spreadsheet has changed the number; export the column as text")
        )
    if is_no_number(value):
        raise InvalidAddress(_("it is not a phone number"))
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


# A channel of each kind: the addresses of all of a kind are written alike.
_EACH_KIND = [(c, kind) for kind, c in {k: c for c, k in ADDRESS_KINDS.items()}.items()]


def readings(text: str) -> set[tuple[str, str]]:
    """The channels and keys that the text may mean as an address, or as several."""
    return plain_readings(text) or each_reading(text)


def each_reading(text: str) -> set[tuple[str, str]]:
    """The readings by a look at each kind of address."""
    keys = {kind: accept(channel, text).key for channel, kind in _EACH_KIND}
    found = {(str(channel), keys[kind]) for channel, kind in ADDRESS_KINDS.items()}
    parts = several(AddressKind.EMAIL, text)
    if parts != [text]:
        found |= {
            (str(Channel.EMAIL), accept(Channel.EMAIL, part).key) for part in parts
        }
    return found


_CHANNELS_BY_KIND = {
    kind: [str(c) for c, of_kind in ADDRESS_KINDS.items() if of_kind == kind]
    for kind in AddressKind
}


def plain_readings(text: str) -> set[tuple[str, str]]:
    """What a plain email address may mean: of another kind it would be the text.

    A test compares it with a look at each kind. To try them takes ten times as long.
    """
    key = _plain_email(text)
    if not key or not text[0].isalnum() or not is_no_number(text):
        return set()
    folded = text.casefold()
    keys = {AddressKind.EMAIL: key, AddressKind.TOKEN: text}
    return {
        (channel, keys.get(kind, folded))
        for kind, channels in _CHANNELS_BY_KIND.items()
        for channel in channels
    }
