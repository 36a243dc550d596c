"""Addresses: one normal form for each channel, and the only writer of their rows.

Two addresses are the same when their keys are equal. The value that was given is kept
beside the key and is what is sent to (RFC 5321 2.4: the local part belongs to its
host), so that letter case, spaces and notation never turn one address into two people.

Everybody who writes locks in one order: profiles by id, then entries of the quarantine
by channel and key, then rows of addresses by id (`lock`). Who needs fewer of these
leaves out the rest, and never goes back.
"""

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from audiences import sql, suppression
from audiences.addresses.keys import Normalised, normalise
from audiences.addresses.outgoing import as_sent
from audiences.models import Address, Profile
from audiences.signals import addresses_attached
from audiences.sql import statements
from audiences.sql.many import among
from audiences.sql.retries import retried
from audiences.suppression.restriction import require_free


@dataclass(slots=True, eq=False)
class Held:
    """A row of `Address` in a book; lighter than a model, for imports of millions.

    `was` is what a book may change, as the database has it; None for a new row.
    """

    id: int | None
    profile_id: int
    channel: str
    key: str
    value: str
    is_primary: bool
    is_valid: bool
    is_suppressed: bool = False
    was: tuple[str, bool, bool] | None = None

    def is_changed(self) -> bool:
        """Whether the database says something else than this row."""
        now = (self.value, self.is_valid, self.is_primary)
        return self.was is not None and self.was != now


@dataclass(slots=True)
class AddressBook:
    """The addresses of one profile, changed in memory and written by `save`."""

    profile_id: int
    rows: dict[tuple[str, str], Held] = field(default_factory=dict)
    removed: Sequence[Held] = ()

    def load(self, row: Held) -> None:
        """Take in a row of the database."""
        self.rows[row.channel, row.key] = row
        row.was = row.value, row.is_valid, row.is_primary

    def primary(self, channel: str) -> Held | None:
        for row in self.rows.values():
            if row.is_primary and row.channel == channel:
                return row
        return None

    def belong_to(self, profile_id: int) -> None:
        """Assign a book, begun for a profile without an id, to that profile."""
        self.profile_id = profile_id
        for row in self.rows.values():
            row.profile_id = profile_id

    def give(self, channel: str, given: Normalised, *, primary: bool) -> bool:
        """Add an address, or correct the one with the same key; true if it changed.

        The first address of a channel is always primary; with `primary` the present
        one becomes secondary. An invalid one never replaces one that is valid, which
        always replaces an invalid one.
        """
        value, key, reason = given
        row = self.rows.get((channel, key))
        if row is None:
            row = Held(None, self.profile_id, channel, key, value, False, not reason)
            self.rows[channel, key] = row
            changed = True
        elif row.value == value and row.is_valid == (not reason):
            if row.is_primary:
                return False
            changed = False
        else:
            changed = _correct(row, given)
        holder = self.primary(channel)
        if holder is None or (
            holder is not row
            and (row.is_valid > holder.is_valid or (primary and row.is_valid))
        ):
            if holder is not None:
                holder.is_primary = False
            row.is_primary = changed = True
        return changed

    def take(self, address: Address) -> None:
        """Remove an address; the oldest other one of its channel becomes primary."""
        row = self.rows.pop((address.channel, address.key), None)
        if row is None:  # someone else removed it a moment before
            return
        # If given again later, it is a new row.
        if row.was is not None:
            self.removed = (*self.removed, row)
        others = [a for a in self.rows.values() if a.channel == address.channel]
        if row.is_primary and others:
            min(others, key=lambda other: other.id or math.inf).is_primary = True


def _correct(row: Held, given: Normalised) -> bool:
    """Write an address of the same key in another way; true if that is another one."""
    # The form in which we hand it over is no new spelling.
    sent = as_sent(row.channel, row.value, row.key) if row.value else ""
    if row.is_valid and given.is_valid and given.value == sent:
        return False
    row.value, row.is_valid = given.value, given.is_valid
    return True


def books(profile_ids: Iterable[int]) -> dict[int, AddressBook]:
    """The address books of the profiles, in one query."""
    result = {profile_id: AddressBook(profile_id) for profile_id in profile_ids}
    rows = Address.objects.filter(among("profile_id", result)).order_by("id")
    for values in statements.raw_rows(rows.values_list(*_HELD)):
        held = Held(*values)
        result[held.profile_id].load(held)
    return result


_HELD = [column.name for column in fields(Held) if column.name != "was"]
_COLUMNS = [
    *("id", "profile_id", "channel", "value", "key"),
    *("is_primary", "is_valid", "is_suppressed"),
]
_CHANGEABLE = ["value", "is_primary", "is_valid"]


def save(changed_books: Iterable[AddressBook]) -> None:
    """Write the books in one transaction, and tell the listeners what was attached.

    The number of statements does not depend on the number of books.
    """
    removed: list[Any] = []
    changed: list[Held] = []
    added: list[Held] = []
    for book in changed_books:
        removed += [row.id for row in book.removed]
        for row in book.rows.values():
            if row.was is None:
                added.append(row)
            elif row.is_changed():
                changed.append(row)
    with transaction.atomic():
        locked = [*removed, *(row.id or 0 for row in changed)]
        lock(Address.objects.filter(among("id", locked)))
        if removed:
            Address.objects.filter(pk__in=removed).delete()
        if changed:
            # First there is no primary: two are refused, even for a moment.
            ids = [row.id or 0 for row in changed]
            rows = Address.objects.filter(among("id", ids))
            rows.update(is_primary=False)
            sql.bulk_update(Address, _CHANGEABLE, changed)
            addresses_attached.send(sender=Address, addresses=rows)
        if added:
            ids = sql.draw_ids(Address, len(added))
            names = [(row.channel, row.key) for row in added]
            met = suppression.met(names)
            for row, pk in zip(added, ids, strict=True):
                row.id = pk
            for row, name in zip(added, names, strict=True) if met else ():
                row.is_suppressed = name in met
            sql.bulk_insert(
                Address,
                _COLUMNS,
                map(operator.attrgetter(*_COLUMNS), added),
            )
            written = Address.objects.filter(id__range=(ids[0], ids[-1]))
            addresses_attached.send(sender=Address, addresses=written)
            suppression.look_again_at(written, names)


def lock(rows: QuerySet[Address]) -> list[int]:
    """Lock rows of addresses, always in the order of their ids; returns the ids.

    The caller is in a transaction. Rows that others attach meanwhile are not among
    them.
    """
    locked = rows.order_by("pk").select_for_update(of=("self",))
    return list(locked.values_list("pk", flat=True))


@retried
def attach(
    profile: Profile, channel: str, text: str, *, primary: bool = False
) -> Address:
    """Give a profile an address; raises InvalidAddress and Restricted.

    Then nothing changes.

    An address that the profile already has gets the new spelling. The first address
    of a channel is its primary.
    """
    given = normalise(channel, text)
    book = _locked_book(profile)
    book.give(channel, given, primary=primary)
    save([book])
    return Address.objects.get(profile=profile, channel=channel, key=given.key)


@retried
def make_primary(address: Address) -> None:
    """Make deliveries on the channel go to this address; raises Restricted."""
    book = _locked_book(address.profile)
    row = book.rows[address.channel, address.key]
    given = Normalised(row.value, row.key, "" if row.is_valid else "kept")
    book.give(address.channel, given, primary=True)
    save([book])


@retried
def detach(address: Address) -> None:
    """Take an address from its profile; raises Restricted.

    Its quarantine entry stays (Q1).
    """
    book = _locked_book(address.profile)
    book.take(address)
    save([book])


def _locked_book(profile: Profile) -> AddressBook:
    """The book of a locked profile; raises Restricted."""
    Profile.objects.select_for_update(of=("self",)).only("pk").get(pk=profile.pk)
    require_free(profile.pk)
    return books([profile.pk])[profile.pk]


def with_key(channel: str, key: str) -> QuerySet[Address]:
    """Every profile's address with this key that can be delivered to, by profile."""
    rows = Address.objects.filter(channel=channel, key=key, is_valid=True)
    return rows.order_by("profile_id", "pk")


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
