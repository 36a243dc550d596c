"""Whom the rows of a chunk mean, and what they come down to: people in memory, locked,
found in a few queries."""

import operator
from collections import defaultdict
from dataclasses import dataclass, field, fields
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from audiences import addresses, sql
from audiences.channels import FLAGS, Channel, Scope
from audiences.files import Problem, Reject
from audiences.models import Address, Profile
from audiences.refusals import Sentence
from audiences.sql import statements
from audiences.sql.many import among
from audiences.suppression.restriction import restricted_among

from . import own_facts
from .columns.meanings import Column
from .engine import StateChange
from .own_facts import OwnFacts, facts_of
from .person_row import Row
from .recent_opt_outs import RecentOptOuts

NO_ADDRESS = _("the row has no address for this: none is marked as failing")


@dataclass(slots=True, eq=False)
class Facts:
    """A row of `Profile`; lighter than a model, for imports of millions."""

    id: int
    external_id: str | None
    first_name: str = ""
    last_name: str = ""
    language: str = ""
    country: str = ""
    no_longer_contact: bool = False
    no_longer_contact_email: bool = False
    no_longer_contact_sms: bool = False
    no_longer_contact_phone: bool = False
    no_longer_contact_direct_mail: bool = False
    no_longer_contact_push: bool = False
    no_longer_contact_fax: bool = False
    created_at: datetime | None = None


_FACTS = ["first_name", "last_name", "language", "country"]
_COLUMNS = [column.name for column in fields(Facts) if column.name != "created_at"]


@dataclass(eq=False, slots=True)
class Person:
    """A profile and its addresses while a chunk is planned; new ones have no id yet.

    `is_restricted`: nothing of it may be changed but what restricts.
    """

    profile: Facts
    book: addresses.AddressBook
    is_restricted: bool = False
    is_new: bool = False
    own: OwnFacts | None = None
    # How often this chunk has changed a flag: changes of one flag are written in turn.
    turns: dict[Scope, int] | None = None

    def next_turn(self, scope: Scope) -> int:
        self.turns = self.turns or {}
        turn = self.turns[scope] = self.turns.get(scope, 0) + 1
        return turn

    def give(self, row: Row) -> bool:
        """Take the addresses of a row; tells whether one is different."""
        if len(row.addresses) == 1:
            channel, primary, address = row.addresses[0]
            return self.book.give(channel, address, primary=primary)
        changed, given = False, set[tuple[str, str]]()
        for channel, primary, address in row.addresses:
            # One address twice in a row: its first column decides.
            if (channel, address.key) not in given:
                changed |= self.book.give(channel, address, primary=primary)
                given.add((channel, address.key))
        return changed

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
        statements.expect_look_ups()
        external_ids = [row.external_id for row in rows if row.external_id]
        keys = {k for row in rows if not row.external_id for k in row.email_keys}
        ids = {
            *Profile.objects.filter(among("external_id", external_ids))
            .order_by()
            .values_list("pk", flat=True),
        }
        if keys:
            held = Address.objects.filter(
                among("key", keys), channel=Channel.EMAIL, is_valid=True
            )
            ids |= set(held.order_by().values_list("profile_id", flat=True))
        # Locked in the order of ids, as every writer does; only what is read under
        # the lock counts.
        locked = Profile.objects.filter(among("id", ids)).order_by("pk")
        rows_of = locked.select_for_update(of=("self",)).values_list(*_COLUMNS)
        profiles = {r[0]: Facts(*r) for r in statements.raw_rows(rows_of)}
        books = addresses.books(profiles)
        self.known = [*profiles]
        restricted = restricted_among(profiles)
        own = facts_of(profiles) if any(row.own for row in rows) else {}
        self._by_external_id: dict[str, Person] = {}
        # By the key of an email address, whether it is the primary one of each.
        self._by_email: dict[str, dict[Person, bool]] = defaultdict(dict)
        self.finds_emails = bool(keys)
        self._now = timezone.now()
        for pk, profile in profiles.items():
            person = Person(profile, books[pk], pk in restricted)
            person.own = own.get(pk)
            if profile.external_id:
                self._by_external_id[profile.external_id] = person
            if keys:
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
        profile = Facts(0, external_id or None, created_at=self._now)
        person = Person(profile, addresses.AddressBook(0), is_new=True)
        if external_id:
            self._by_external_id[external_id] = person
        return person

    def emails_of(self, person: Person) -> dict[str, bool]:
        """For `move`; nothing where no row looks for people by email."""
        return person.emails() if self.finds_emails else {}

    def move(self, person: Person, before: dict[str, bool]) -> None:
        """Find the person by their present email addresses from now on."""
        now = self.emails_of(person)
        if now == before:
            return
        for key in before:
            del self._by_email[key][person]
        for key, is_primary in now.items():
            self._by_email[key][person] = is_primary


def named_by(rows: list[Row]) -> set[str]:
    """What new people may be found by; those who are there are locked when found."""
    email = Channel.EMAIL.value
    names = {row.external_id for row in rows}
    names.update(
        given.key
        for row in rows
        for channel, _primary, given in row.addresses
        if channel == email
    )
    names.discard("")
    return names


@dataclass(slots=True)
class FlagChange:
    line: int
    person: Person
    scope: Scope
    opted_out: bool
    turn: int

    def told(self) -> StateChange:
        """The change as somebody hears of it."""
        profile = self.person.profile
        return StateChange(
            self.line,
            profile.id,
            profile.external_id or "",
            self.scope,
            self.opted_out,
            f"{profile.first_name} {profile.last_name}".strip(),
        )


@dataclass
class Plan:
    """What the rows of one chunk come down to, before anything is written."""

    created: list[Person] = field(default_factory=list)
    changed: dict[int, Facts] = field(default_factory=dict)
    touched: list[Person] = field(default_factory=list)
    flag_changes: list[FlagChange] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    # The keys of addresses that the file says do not work, by channel.
    failed: dict[str, dict[str, None]] = field(default_factory=dict)
    # What people get in own fields, and tags: by the person.
    own: list[tuple[Person, OwnFacts]] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: {"created": 0, "updated": 0, "unchanged": 0}
    )
    kept_out: int = 0
    # None where nobody may be opted in.
    recent: RecentOptOuts | None = None
    # Who was opted out already, and is so in the file too.
    said_again: dict[Scope, list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def change_flag(
        self, row: Row, person: Person, scope: Scope, *, opted_out: bool
    ) -> None:
        turn = person.next_turn(scope)
        self.flag_changes.append(FlagChange(row.line, person, scope, opted_out, turn))

    def fail(self, row: Row, channel: str) -> None:
        """The addresses of the row do not work; one that it lacks is told."""
        keys = [given.key for c, _primary, given in row.addresses if c == channel]
        self.failed.setdefault(channel, {}).update(dict.fromkeys(keys))
        if not keys:
            name = str(Column(channel, "failure"))
            problem = Problem(name, Sentence(NO_ADDRESS))
            self.rejects.append(Reject(row.line, problem, "imported"))

    def made(self) -> list[FlagChange]:
        """The changes that new people are written with.

        None where somebody changes a flag twice: these are written in turn.
        """
        new = [change for change in self.flag_changes if change.person.is_new]
        return [] if any(change.turn > 1 for change in new) else new

    def flags_of_new(self) -> list[tuple[int, Scope]]:
        """Who is made with which flag."""
        return [(change.person.profile.id, change.scope) for change in self.made()]

    def alike(self) -> dict[tuple[int, Scope, bool], list[int]]:
        """Who gets the same change at the same turn; what is only said again first."""
        found: dict[tuple[int, Scope, bool], list[int]] = defaultdict(list)
        for scope, ids in self.said_again.items():
            found[0, scope, True] += ids
        is_made = bool(self.made())
        for change in self.flag_changes:
            if not (is_made and change.person.is_new):
                key = (change.turn, change.scope, change.opted_out)
                found[key].append(change.person.profile.id)
        return found

    def draw_ids(self) -> None:
        """Give the new people their ids, in the order of their rows."""
        ids = sql.draw_ids(Profile, len(self.created))
        for person, pk in zip(self.created, ids, strict=True):
            person.profile.id = pk
            person.book.belong_to(pk)

    def write_profiles(self) -> None:
        flags = {FLAGS[change.scope] for change in self.made()}
        columns = ["id", "external_id", *_FACTS, "created_at", *sorted(flags)]
        values = operator.attrgetter(*columns)
        sql.bulk_insert(Profile, columns, (values(p.profile) for p in self.created))
        sql.bulk_update(Profile, _FACTS, list(self.changed.values()))

    def take_own_facts(self, person: Person, row: Row) -> bool:
        """Give the person what the row says there; tells whether any is new."""
        if not row.own:
            return False
        person.own = OwnFacts() if person.own is None else person.own
        new = person.own.take(row.own)
        self.own += [(person, new)] if new else []
        return bool(new)

    def write_own_facts(self) -> None:
        """Several rows may speak of one person."""
        together: dict[int, OwnFacts] = {}
        for person, new in self.own:
            together.setdefault(person.profile.id, OwnFacts()).take(new)
        own_facts.write(together)
