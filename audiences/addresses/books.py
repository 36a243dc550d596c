"""Addresses: one normal form for each channel, and the only writer of their rows.

Two addresses are the same when their keys are equal. The value that was given is kept
beside the key and is what is sent to (RFC 5321 2.4: the local part belongs to its
host), so that letter case, spaces and notations never make two people of one address.
"""

import functools
import hashlib
import math
import operator
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import phonenumbers
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from audiences.channels import ADDRESS_KINDS, AddressKind, Channel
from audiences.models import Address, Profile
from audiences.refusals import Refused
from audiences.signals import addresses_attached
from audiences.sql import statements as bulk_sql

LONGEST_KEY = 500


class InvalidAddress(Refused):
    """The text cannot be an address of the channel; the message says why."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """An address as given and as compared; `reason` says why it is invalid, if so."""

    value: str
    key: str
    reason: str = ""

    @property
    def is_valid(self) -> bool:
        return not self.reason


def normalise(channel: str, text: str) -> Normalised:
    """The value and key of an address; raises InvalidAddress with the reason.

    Email: NFC, IDNA (RFC 5891) and casefold, without DNS look-ups. SMS, phone and fax:
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
    """Why no database can keep the text; empty when it can."""
    if "\x00" in text:
        return _("it contains a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        return _("it is not readable as UTF-8")
    return ""


def accept(channel: str, text: str) -> Normalised:
    """Like `normalise`, but keep what is invalid: its key is the casefolded text.

    The caller has refused what is `unstorable`.
    """
    try:
        return normalise(channel, text)
    except InvalidAddress as error:
        value = text.strip()
        return Normalised(value, _bounded(value.casefold()), reason=str(error))


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
        # The domain .test reaches nobody and is of use to those who try things out.
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


# Spreadsheets turn numbers into 612345678.0 or 3.16E+10: do not trust the digits.
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


@dataclass(slots=True, eq=False)
class Held:
    """A row of `Address` in a book; lighter than a model, for imports of millions."""

    id: int | None
    profile_id: int
    channel: str
    key: str
    value: str
    is_primary: bool
    is_valid: bool


@dataclass(slots=True)
class AddressBook:
    """The addresses of one profile, changed in memory and written by `save`."""

    profile_id: int
    rows: dict[tuple[str, str], Held] = field(default_factory=dict)
    removed: list[Held] = field(default_factory=list)
    _before: dict[tuple[str, str], tuple[str, bool, bool]] = field(default_factory=dict)

    def load(self, row: Held) -> None:
        """Take in a row of the database."""
        key = (row.channel, row.key)
        self.rows[key] = row
        self._before[key] = (row.value, row.is_valid, row.is_primary)

    def primary(self, channel: str) -> Held | None:
        for row in self.rows.values():
            if row.is_primary and row.channel == channel:
                return row
        return None

    def belong_to(self, profile_id: int) -> None:
        """Make a book that was begun for a profile without an id that profile's."""
        self.profile_id = profile_id
        for row in self.rows.values():
            row.profile_id = profile_id

    def give(self, channel: str, given: Normalised, *, primary: bool) -> bool:
        """Add an address, or correct the one with the same key; true: it is different.

        The first address of a channel is primary whatever is asked; with `primary`
        the present one stays as a secondary.
        """
        row = self.rows.get((channel, given.key))
        if row is None:
            row = Held(None, self.profile_id, channel, given.key, "", False, True)
            self.rows[channel, given.key] = row
        changed = (row.value, row.is_valid) != (given.value, given.is_valid)
        row.value, row.is_valid = given.value, given.is_valid
        holder = self.primary(channel)
        if holder is None or (primary and holder is not row):
            if holder is not None:
                holder.is_primary = False
            row.is_primary = changed = True
        return changed

    def take(self, address: Address) -> None:
        """Remove an address; the oldest other one of its channel becomes primary."""
        row = self.rows.pop((address.channel, address.key), None)
        if row is None:  # somebody else took it a moment before
            return
        # Given again later, it is a new row.
        if self._before.pop((address.channel, address.key), None):
            self.removed.append(row)
        others = [a for a in self.rows.values() if a.channel == address.channel]
        if row.is_primary and others:
            min(others, key=lambda other: other.id or math.inf).is_primary = True

    def changed(self) -> list[Held]:
        """Rows of the database that no longer say what this book says."""
        return [
            row
            for key, row in self.rows.items()
            if key in self._before
            and self._before[key] != (row.value, row.is_valid, row.is_primary)
        ]

    def added(self) -> list[Held]:
        return [row for key, row in self.rows.items() if key not in self._before]

    @property
    def is_dirty(self) -> bool:
        return bool(self.removed or self.changed() or self.added())


def books(profile_ids: Iterable[int]) -> dict[int, AddressBook]:
    """The address books of the profiles, in one query."""
    result = {profile_id: AddressBook(profile_id) for profile_id in profile_ids}
    rows = Address.objects.filter(profile_id__in=list(result)).order_by("id")
    names = [column.name for column in fields(Held)]
    for values in rows.values_list(*names):
        held = Held(*values)
        result[held.profile_id].load(held)
    return result


_COLUMNS = ["id", "profile_id", "channel", "value", "key", "is_primary", "is_valid"]
_CHANGEABLE = ["value", "is_primary", "is_valid"]


def save(changed_books: Iterable[AddressBook]) -> None:
    """Write the books in one transaction, and tell the listeners what was attached.

    The number of statements does not depend on the number of books.
    """
    dirty = [book for book in changed_books if book.is_dirty]
    removed: list[Any] = [row.id for book in dirty for row in book.removed]
    changed = [row for book in dirty for row in book.changed()]
    added = [row for book in dirty for row in book.added()]
    with transaction.atomic():
        if removed:
            Address.objects.filter(pk__in=removed).delete()
        if changed:
            # First nobody is primary: two primaries are refused, even for a moment.
            rows = Address.objects.filter(pk__in=[row.id or 0 for row in changed])
            rows.update(is_primary=False)
            bulk_sql.bulk_update(Address, _CHANGEABLE, changed)
            addresses_attached.send(sender=Address, addresses=rows)
        if added:
            ids = bulk_sql.draw_ids(Address, len(added))
            for row, pk in zip(added, ids, strict=True):
                row.id = pk
            bulk_sql.bulk_insert(
                Address,
                _COLUMNS,
                map(operator.attrgetter(*_COLUMNS), added),
            )
            addresses_attached.send(
                sender=Address,
                addresses=Address.objects.filter(id__range=(ids[0], ids[-1])),
            )


def attach(
    profile: Profile, channel: str, text: str, *, primary: bool = False
) -> Address:
    """Give a profile an address; raises InvalidAddress, and then nothing changes.

    An address that the profile has already gets the new spelling. The first address
    of a channel is its primary.
    """
    given = normalise(channel, text)
    with transaction.atomic():
        book = _locked_book(profile)
        book.give(channel, given, primary=primary)
        save([book])
    return Address.objects.get(profile=profile, channel=channel, key=given.key)


def make_primary(address: Address) -> None:
    """Let deliveries on the channel go to this address of the profile."""
    with transaction.atomic():
        book = _locked_book(address.profile)
        row = book.rows[address.channel, address.key]
        given = Normalised(row.value, row.key, "" if row.is_valid else "kept")
        book.give(address.channel, given, primary=True)
        save([book])


def detach(address: Address) -> None:
    """Take an address from its profile. Its quarantine entry stays (Q1)."""
    with transaction.atomic():
        book = _locked_book(address.profile)
        book.take(address)
        save([book])


def _locked_book(profile: Profile) -> AddressBook:
    Profile.objects.select_for_update(of=("self",)).only("pk").get(pk=profile.pk)
    return books([profile.pk])[profile.pk]


def with_key(channel: str, key: str) -> QuerySet[Address]:
    """Every profile's address with this key that can be delivered to."""
    return Address.objects.filter(channel=channel, key=key, is_valid=True)


def sharing(profile: Profile) -> QuerySet[Address]:
    """Addresses of *other* profiles that equal one of this profile's (P4)."""
    own = profile.addresses.filter(is_valid=True).values_list("channel", "key")
    same = Q(pk__in=[])
    for channel, key in own:
        same |= Q(channel=channel, key=key)
    return (
        Address.objects.filter(same, is_valid=True)
        .exclude(profile=profile)
        .select_related("profile")
        .order_by("profile_id", "channel")
    )


def readings(text: str) -> set[tuple[str, str]]:
    """The channels and keys that the text may mean as an address."""
    return {(channel, accept(channel, text).key) for channel in Channel}
