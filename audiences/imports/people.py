"""Import of profiles from a file: rows in, profiles and rejects out.

A row with an external id is that person, and a new one when the id is new. A row
without one is the person whose primary email it gives. Blank cells leave what is there;
"no" never opts anybody in unless it is allowed with a note. Rows are worked off in
chunks, each in one transaction with a fixed number of statements, as if one by one: an
import that was interrupted can simply be run again.
"""

import contextlib
import gc
import hashlib
import itertools
import operator
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from audiences import addresses, consent, sql
from audiences.channels import FLAGS, Channel, Scope
from audiences.consent import Origin, Source
from audiences.files import DelimitedFile, Problem
from audiences.models import Address, Profile

from .people_rows import Column, Row, read_row

CHUNK_SIZE = 5000
# A file that changes more profiles than this gets fresh planner statistics.
MANY = 10_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to import; `note` is needed when opting in is allowed.

    A `preview` takes back each chunk by itself: unlike a dry run it locks nobody for
    long, but a person whom the file names in two ways may count as two. `after_line`
    goes on with an import that was interrupted.
    """

    dry_run: bool = False
    preview: bool = False
    after_line: int = 0
    allow_opt_in: bool = False
    note: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class StateChange:
    """Somebody who is opted out or in by the file."""

    line: int
    profile_id: int
    external_id: str
    scope: Scope
    opted_out: bool


@dataclass
class Counts:
    """What happened: rows by outcome, and values that were kept invalid or left out."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    bad_values: int = 0


@dataclass(kw_only=True)
class Listeners:
    """Who is told what while the import runs."""

    on_reject: Callable[[Row, Problem, str], None]
    on_state_change: Callable[[StateChange], None] = lambda change: None
    on_progress: Callable[[int], None] = lambda done: None
    # Told how many people a "no" would have opted in, which was not allowed.
    on_kept_out: Callable[[int], None] = lambda count: None
    # The last line of a chunk and the counts so far, inside the chunk's transaction.
    on_chunk: Callable[[int, Counts], None] = lambda line, counts: None


def import_profiles(
    file: DelimitedFile,
    columns: list[Column | None],
    options: Options,
    listeners: Listeners,
) -> Counts:
    """Import a file to its end and return the counts.

    A dry run does everything in one transaction and takes it back, so that what it
    says is what would happen. Raises bulk_sql.Locked while another import runs, and
    ConsentError when opting in is allowed without a note.
    """
    if options.allow_opt_in and not options.note.strip():
        raise consent.ConsentError(
            "Opting in needs a note that says how the people asked for it."
        )
    run = _Import(file, columns, options, listeners)
    with sql.process_lock("import"):
        if options.dry_run:
            with transaction.atomic():
                run.work()
                transaction.set_rollback(True)
        else:
            run.work()
            if run.counts.created + run.counts.updated > MANY:
                sql.analyze(Profile, Address)
    return run.counts


@dataclass(eq=False, slots=True)
class _Person:
    """A profile and its addresses while a chunk is planned; new ones have no id yet."""

    profile: Profile
    book: addresses.AddressBook
    # How often this chunk has changed a flag: changes of one flag are written in turn.
    turns: dict[Scope, int] = field(default_factory=dict)

    @property
    def email_key(self) -> str:
        primary = self.book.primary(Channel.EMAIL)
        return primary.key if primary else ""


@dataclass(slots=True)
class _FlagChange:
    row: Row
    person: _Person
    scope: Scope
    opted_out: bool
    turn: int


@dataclass
class _Chunk:
    """What the rows of one chunk come down to, before anything is written."""

    created: list[_Person] = field(default_factory=list)
    changed: dict[int, Profile] = field(default_factory=dict)
    touched: list[_Person] = field(default_factory=list)
    flag_changes: list[_FlagChange] = field(default_factory=list)
    ambiguous: dict[int, list[_Person]] = field(default_factory=dict)
    updated: int = 0
    unchanged: int = 0
    kept_out: int = 0

    def draw_ids(self) -> None:
        """Give the new people their ids, in the order of their rows."""
        ids = sql.draw_ids(Profile, len(self.created))
        for person, pk in zip(self.created, ids, strict=True):
            person.profile.id = pk
            person.book.belong_to(pk)


class _Import:
    def __init__(
        self,
        file: DelimitedFile,
        columns: list[Column | None],
        options: Options,
        listeners: Listeners,
    ) -> None:
        self.file = file
        self.columns = columns
        self.options = options
        self.listeners = listeners
        self.counts = Counts()

    def work(self) -> None:
        """Read and write to the end, with one garbage collection for each chunk.

        Left alone, the collector walks the objects of a chunk over and over.
        """
        gc.disable()
        gc.freeze()
        try:
            self._work()
        finally:
            gc.unfreeze()
            gc.enable()

    def _work(self) -> None:
        with contextlib.closing(_Seen()) as seen:
            rows = self._rows(seen)
            while chunk := list(itertools.islice(rows, CHUNK_SIZE)):
                self._work_off(chunk)

    def _rows(self, seen: "_Seen") -> Iterator[Row]:
        for record in self.file.records(self.listeners.on_progress):
            if record.problem:
                if record.line > self.options.after_line:
                    yield Row(record.line, rejection=Problem("", record.problem))
                continue
            row = read_row(record.line, record.cells, self.columns)
            known = row.external_id or row.email_key
            earlier = seen.earlier_line(row) if known else None
            if earlier and not row.rejection:
                name = "external_id" if row.external_id else "email"
                row.rejection = Problem(name, f"the same as in row {earlier}")
            if row.line > self.options.after_line:
                yield row

    def _work_off(self, rows: list[Row]) -> None:
        """Write the rows and tell what became of each, in one transaction."""
        with transaction.atomic():
            try:
                chunk = self._write(rows)
            except IntegrityError:
                # Somebody made one of these profiles at the same moment: look again.
                chunk = self._write(rows)
            self._tell(rows, chunk)
            if self.options.preview:
                transaction.set_rollback(True)
        if self.options.preview:
            self.listeners.on_chunk(rows[-1].line, self.counts)
        gc.collect()

    def _tell(self, rows: list[Row], chunk: _Chunk) -> None:
        for row in rows:
            problem = row.rejection or _ambiguity(chunk.ambiguous.get(row.line))
            if problem:
                self.counts.rejected += 1
                self.listeners.on_reject(row, problem, "rejected")
                continue
            for problem in row.problems:
                self.counts.bad_values += 1
                self.listeners.on_reject(row, problem, "imported")
        for change in chunk.flag_changes:
            self.listeners.on_state_change(
                StateChange(
                    change.row.line,
                    change.person.profile.pk,
                    change.person.profile.external_id or "",
                    change.scope,
                    change.opted_out,
                )
            )
        if chunk.kept_out:
            self.listeners.on_kept_out(chunk.kept_out)
        self.counts.created += len(chunk.created)
        self.counts.updated += chunk.updated
        self.counts.unchanged += chunk.unchanged
        if not self.options.preview:
            self.listeners.on_chunk(rows[-1].line, self.counts)

    def _write(self, rows: list[Row]) -> _Chunk:
        with transaction.atomic():
            chunk = self._plan([row for row in rows if not row.rejection])
            chunk.draw_ids()
            _write_profiles(chunk)
            # Several rows may mean one person: each book is written once.
            addresses.save(p.book for p in dict.fromkeys(chunk.touched))
            self._write_flags(chunk.flag_changes)
        return chunk

    def _plan(self, rows: list[Row]) -> _Chunk:
        """Play the rows one by one on the people in memory."""
        people = _People(rows)
        chunk = _Chunk()
        for row in rows:
            matching = people.meant_by(row)
            if len(matching) > 1:
                chunk.ambiguous[row.line] = list(matching)
                continue
            is_new = not matching
            person = people.add(row.external_id) if is_new else matching[0]
            before = person.email_key
            changed = self._apply(row, person, chunk)
            people.move(person, before)
            chunk.touched.append(person)
            if is_new:
                chunk.created.append(person)
            elif changed:
                chunk.updated += 1
            else:
                chunk.unchanged += 1
        return chunk

    def _apply(self, row: Row, person: _Person, chunk: _Chunk) -> bool:
        """Give the person what the row says; tells whether anything is different."""
        profile, changed = person.profile, False
        for name, value in row.fields.items():
            if getattr(profile, name) != value:
                setattr(profile, name, value)
                changed = True
        if changed and profile.pk:
            chunk.changed[profile.pk] = profile
        given: set[tuple[str, str]] = set()
        for channel, number, address in row.addresses:
            # One address twice in a row: its first column decides.
            if (channel, address.key) not in given:
                changed |= person.book.give(channel, address, primary=number == 1)
                given.add((channel, address.key))
        for scope, opted_out in row.flags.items():
            allowed = opted_out or self.options.allow_opt_in
            if allowed and getattr(profile, scope.flag) != opted_out:
                setattr(profile, scope.flag, opted_out)
                turn = person.turns[scope] = person.turns.get(scope, 0) + 1
                chunk.flag_changes.append(
                    _FlagChange(row, person, scope, opted_out, turn)
                )
                changed = True
            elif not allowed and getattr(profile, scope.flag):
                chunk.kept_out += 1
        return changed

    def _write_flags(self, changes: list[_FlagChange]) -> None:
        alike: dict[tuple[int, Scope, bool], list[int]] = defaultdict(list)
        for change in changes:
            key = (change.turn, change.scope, change.opted_out)
            alike[key].append(change.person.profile.pk)
        origin = Origin(
            source=Source.IMPORT, note=self.options.note, actor=self.options.actor
        )
        for (_turn, scope, opted_out), ids in sorted(alike.items()):
            write = consent.opt_out_all if opted_out else consent.opt_in_all
            write(Profile.objects.filter(pk__in=ids), scope, origin)


def _ambiguity(people: list[_Person] | None) -> Problem | None:
    if not people:
        return None
    listed = ", ".join(map(str, sorted(person.profile.pk for person in people)))
    return Problem("email", f"several profiles have it: {listed}")


class _People:
    """The people whom the rows of a chunk may mean, locked, in a few queries."""

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
        self._by_external_id: dict[str, _Person] = {}
        self._by_email: dict[str, list[_Person]] = defaultdict(list)
        for pk, profile in profiles.items():
            person = _Person(profile, books[pk])
            if profile.external_id:
                self._by_external_id[profile.external_id] = person
            self._by_email[person.email_key].append(person)

    def meant_by(self, row: Row) -> list[_Person]:
        """By the external id alone when there is one, else by the primary email."""
        if row.external_id:
            person = self._by_external_id.get(row.external_id)
            return [person] if person else []
        return self._by_email[row.email_key]

    def add(self, external_id: str) -> _Person:
        # Every field is given: Django builds an expression for each database default.
        profile = Profile(
            external_id=external_id or None,
            created_at=timezone.now(),
            **dict.fromkeys(FLAGS.values(), False),
        )
        person = _Person(profile, addresses.AddressBook(0))
        if external_id:
            self._by_external_id[external_id] = person
        self._by_email[""].append(person)
        return person

    def move(self, person: _Person, before: str) -> None:
        """Find the person by their new primary email from now on."""
        if person.email_key != before:
            self._by_email[before].remove(person)
            self._by_email[person.email_key].append(person)


_FIELDS = ["first_name", "last_name", "language", "country"]


def _write_profiles(chunk: _Chunk) -> None:
    columns = ["id", "external_id", *_FIELDS, "created_at"]
    values = operator.attrgetter(*columns)
    sql.bulk_insert(Profile, columns, (values(p.profile) for p in chunk.created))
    sql.bulk_update(Profile, _FIELDS, list(chunk.changed.values()))


class _Seen:
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
