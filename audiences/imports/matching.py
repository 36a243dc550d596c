"""Whom the rows of a chunk mean: people in memory, locked, found in a few queries."""

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils import timezone

from audiences import addresses
from audiences.channels import FLAGS, Channel, Scope
from audiences.models import Address, Profile

from .people_rows import Row


@dataclass(eq=False, slots=True)
class Person:
    """A profile and its addresses while a chunk is planned; new ones have no id yet."""

    profile: Profile
    book: addresses.AddressBook
    # How often this chunk has changed a flag: changes of one flag are written in turn.
    turns: dict[Scope, int] = field(default_factory=dict)

    def emails(self) -> dict[str, bool]:
        """The keys of the email addresses that can be delivered to; true: primary."""
        return {
            row.key: row.is_primary
            for row in self.book.rows.values()
            if row.channel == Channel.EMAIL and row.is_valid
        }


class People:
    """The people whom the rows of a chunk may mean."""

    def __init__(self, rows: list[Row]) -> None:
        external_ids = [row.external_id for row in rows if row.external_id]
        keys = {k for row in rows if not row.external_id for k in row.email_keys}
        ids = {
            *Profile.objects.filter(external_id__in=external_ids)
            .order_by()
            .values_list("pk", flat=True),
        }
        if keys:
            held = Address.objects.filter(
                channel=Channel.EMAIL, key__in=keys, is_valid=True
            )
            ids |= set(held.order_by().values_list("profile_id", flat=True))
        # Locked in the order of ids, as every writer does; only what is read under
        # the lock counts.
        locked = Profile.objects.filter(pk__in=ids).order_by("pk")
        profiles = {p.pk: p for p in locked.select_for_update(of=("self",))}
        books = addresses.books(profiles)
        self._by_external_id: dict[str, Person] = {}
        # By the key of an email address, whether it is the primary one of each.
        self._by_email: dict[str, dict[Person, bool]] = defaultdict(dict)
        self._finds_emails = bool(keys)
        for pk, profile in profiles.items():
            person = Person(profile, books[pk])
            if profile.external_id:
                self._by_external_id[profile.external_id] = person
            self.move(person, {})

    def meant_by(self, row: Row) -> list[Person]:
        """By the external id alone when there is one, else by the email addresses.

        Whoever has an address as the primary one, else whoever has it at all.
        """
        if row.external_id:
            person = self._by_external_id.get(row.external_id)
            return [person] if person else []
        found: dict[Person, None] = {}
        for key in row.email_keys:
            held = self._by_email.get(key, {})
            primary = [person for person, is_primary in held.items() if is_primary]
            found |= dict.fromkeys(primary or held)
        return list(found)

    def add(self, external_id: str) -> Person:
        # Every field is given: Django builds an expression for each database default.
        profile = Profile(
            external_id=external_id or None,
            created_at=timezone.now(),
            **dict.fromkeys(FLAGS.values(), False),
        )
        person = Person(profile, addresses.AddressBook(0))
        if external_id:
            self._by_external_id[external_id] = person
        return person

    def emails_of(self, person: Person) -> dict[str, bool]:
        """For `move`; nothing where no row looks for people by email."""
        return person.emails() if self._finds_emails else {}

    def move(self, person: Person, before: dict[str, bool]) -> None:
        """Find the person by their present email addresses from now on."""
        now = self.emails_of(person)
        if now == before:
            return
        for key in before:
            del self._by_email[key][person]
        for key, is_primary in now.items():
            self._by_email[key][person] = is_primary


class Seen:
    """Which external ids and emails the file has had, on disk: memory stays flat."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("")
        self._rows.execute(
            "CREATE TABLE seen (id BLOB PRIMARY KEY, line) WITHOUT ROWID"
        )

    def close(self) -> None:
        self._rows.close()

    def earlier_line(self, row: Row) -> int:
        """The line that named the same person before, or 0; remembers this one.

        Asked again about the same row it says the same.
        """
        earlier = 0
        for digest in _digests(row):
            found = self._rows.execute("SELECT line FROM seen WHERE id = ?", [digest])
            line = next((int(line) for (line,) in found), 0)
            if not line:
                self._rows.execute("INSERT INTO seen VALUES (?, ?)", [digest, row.line])
            elif line != row.line:
                earlier = earlier or line
        return earlier


def _digests(row: Row) -> Iterable[bytes]:
    names = (
        [f"id {row.external_id}"]
        if row.external_id
        else [f"@ {key}" for key in row.email_keys]
    )
    for name in names:
        yield hashlib.blake2b(name.encode(), digest_size=16).digest()
