"""Whom the rows of a chunk mean: people in memory, locked, found in a few queries."""

import hashlib
import sqlite3
from collections import defaultdict
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

    @property
    def email_key(self) -> str:
        primary = self.book.primary(Channel.EMAIL)
        return primary.key if primary else ""


class People:
    """The people whom the rows of a chunk may mean."""

    def __init__(self, rows: list[Row]) -> None:
        external_ids = [row.external_id for row in rows if row.external_id]
        keys = {row.email_key for row in rows if not row.external_id}
        ids = {
            *Profile.objects.filter(external_id__in=external_ids)
            .order_by()
            .values_list("pk", flat=True),
            *Address.objects.filter(
                channel=Channel.EMAIL, key__in=keys, is_primary=True
            ).values_list("profile_id", flat=True),
        }
        # Locked in the order of ids, as every writer does; only what is read under
        # the lock counts.
        locked = Profile.objects.filter(pk__in=ids).order_by("pk")
        profiles = {p.pk: p for p in locked.select_for_update(of=("self",))}
        books = addresses.books(profiles)
        self._by_external_id: dict[str, Person] = {}
        self._by_email: dict[str, list[Person]] = defaultdict(list)
        for pk, profile in profiles.items():
            person = Person(profile, books[pk])
            if profile.external_id:
                self._by_external_id[profile.external_id] = person
            self._by_email[person.email_key].append(person)

    def meant_by(self, row: Row) -> list[Person]:
        """By the external id alone when there is one, else by the primary email."""
        if row.external_id:
            person = self._by_external_id.get(row.external_id)
            return [person] if person else []
        return self._by_email[row.email_key]

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
        self._by_email[""].append(person)
        return person

    def move(self, person: Person, before: str) -> None:
        """Find the person by their new primary email from now on."""
        if person.email_key != before:
            self._by_email[before].remove(person)
            self._by_email[person.email_key].append(person)


class Seen:
    """Which external ids and emails the file has had, on disk: memory stays flat."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("")
        self._rows.execute(
            "CREATE TABLE seen (id BLOB PRIMARY KEY, line) WITHOUT ROWID"
        )

    def close(self) -> None:
        self._rows.close()

    def earlier_line(self, row: Row) -> int | None:
        """The line that named the same person before; remembers this one if none."""
        name = f"id {row.external_id}" if row.external_id else f"@ {row.email_key}"
        digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
        found = self._rows.execute("SELECT line FROM seen WHERE id = ?", [digest])
        for (line,) in found:
            return int(line)
        self._rows.execute("INSERT INTO seen VALUES (?, ?)", [digest, row.line])
        return None
