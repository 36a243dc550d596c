"""Import of profiles from a file: rows in, profiles and rejects out.

A row with an external id is that person, and a new one when the id is new. A row
without one is the person whose primary email it gives. Blank cells leave what is there;
"no" never opts anybody in unless it is allowed with a note. Rows are worked off in
chunks, each in one transaction with a fixed number of statements, as if one by one: an
import that was interrupted can simply be run again.
"""

import contextlib
import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from . import addresses, bulk_sql, consent
from .channels import Channel, Scope
from .consent import Origin, Source
from .import_files import DelimitedFile
from .import_rows import Column, Problem, Row, read_row
from .models import Address, Profile

CHUNK_SIZE = 5000
# A file that changes more profiles than this gets fresh planner statistics.
MANY = 10_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to import; `note` is needed when opting in is allowed."""

    dry_run: bool = False
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
    with bulk_sql.process_lock("import"):
        if options.dry_run:
            with transaction.atomic():
                run.work()
                transaction.set_rollback(True)
        else:
            run.work()
            if run.counts.created + run.counts.updated > MANY:
                bulk_sql.analyze(Profile, Address)
    return run.counts


@dataclass
class _Chunk:
    """What the rows of one chunk come down to, before anything is written."""

    created: list[Profile] = field(default_factory=list)
    changed: list[Profile] = field(default_factory=list)
    books: list[addresses.AddressBook] = field(default_factory=list)
    state_changes: list[StateChange] = field(default_factory=list)
    rejections: list[tuple[Row, Problem]] = field(default_factory=list)
    imported: list[Row] = field(default_factory=list)
    updated: int = 0


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
        waiting: list[Row] = []
        with contextlib.closing(_Seen()) as seen:
            for row in self._rows(seen):
                waiting.append(row)
                if len(waiting) >= CHUNK_SIZE:
                    waiting = self._work_off(waiting)
            while waiting:
                waiting = self._work_off(waiting)

    def _rows(self, seen: "_Seen") -> Iterator[Row]:
        for record in self.file.records(self.listeners.on_progress):
            if record.problem:
                self._reject(Row(record.line), Problem("", record.problem))
                continue
            row = read_row(record.line, record.cells, self.columns)
            known = row.external_id or row.email_key
            earlier = seen.earlier_line(row) if known else None
            if row.rejection:
                self._reject(row, row.rejection)
            elif earlier:
                name = "external_id" if row.external_id else "email"
                self._reject(row, Problem(name, f"the same as in row {earlier}"))
            else:
                yield row

    def _reject(self, row: Row, problem: Problem) -> None:
        self.counts.rejected += 1
        self.listeners.on_reject(row, problem, "rejected")

    def _work_off(self, rows: list[Row]) -> list[Row]:
        """Write the rows that do not depend on each other; returns the others."""
        try:
            chunk, rest = self._write(rows)
        except IntegrityError:
            # Somebody made one of these profiles at the same moment: look again.
            chunk, rest = self._write(rows)
        for row, problem in chunk.rejections:
            self._reject(row, problem)
        for row in chunk.imported:
            for problem in row.problems:
                self.counts.bad_values += 1
                self.listeners.on_reject(row, problem, "imported")
        for change in chunk.state_changes:
            self.listeners.on_state_change(change)
        self.counts.created += len(chunk.created)
        self.counts.updated += chunk.updated
        self.counts.unchanged += (
            len(chunk.imported) - len(chunk.created) - chunk.updated
        )
        return rest

    def _write(self, rows: list[Row]) -> tuple[_Chunk, list[Row]]:
        with transaction.atomic():
            chunk, rest = self._plan(rows)
            _write_profiles(chunk)
            addresses.save(chunk.books)
            self._write_flags(chunk.state_changes)
        return chunk, rest

    def _plan(self, rows: list[Row]) -> tuple[_Chunk, list[Row]]:
        matches = _matches(rows)
        ids = {pk for pks in matches for pk in pks}
        profiles = Profile.objects.select_for_update(of=("self",)).in_bulk(ids)
        books = addresses.books(profiles)
        new_ids = iter(bulk_sql.draw_ids(Profile, matches.count([])))
        chunk = _Chunk()
        touched: set[int] = set()
        touched_emails: set[str] = set()
        for position, (row, matching) in enumerate(zip(rows, matches, strict=True)):
            if touched.intersection(matching) or (
                not row.external_id and row.email_key in touched_emails
            ):
                # What earlier rows write decides what this one means.
                return chunk, rows[position:]
            if len(matching) > 1:
                listed = ", ".join(map(str, sorted(matching)))
                problem = Problem("email", f"several profiles have it: {listed}")
                chunk.rejections.append((row, problem))
                continue
            if matching:
                profile, book = profiles[matching[0]], books[matching[0]]
            else:
                profile = Profile(id=next(new_ids), external_id=row.external_id or None)
                book = addresses.AddressBook(profile.pk)
                chunk.created.append(profile)
            primary = book.primary(Channel.EMAIL)
            touched.add(profile.pk)
            touched_emails.update([row.email_key, primary.key if primary else ""])
            touched_emails.discard("")
            self._plan_row(chunk, row, profile, book, is_new=not matching)
        return chunk, []

    def _plan_row(
        self,
        chunk: _Chunk,
        row: Row,
        profile: Profile,
        book: addresses.AddressBook,
        *,
        is_new: bool,
    ) -> None:
        differing = [
            name
            for name, value in row.fields.items()
            if getattr(profile, name) != value
        ]
        for name in differing:
            setattr(profile, name, row.fields[name])
        given: set[tuple[str, str]] = set()
        for channel, number, address in row.addresses:
            # One address twice in a row: its first column decides.
            if (channel, address.key) not in given:
                book.give(channel, address, primary=number == 1)
                given.add((channel, address.key))
        state_changes = [
            StateChange(row.line, profile.pk, row.external_id, scope, opted_out)
            for scope, opted_out in row.flags.items()
            if (opted_out or self.options.allow_opt_in)
            and (not is_new and getattr(profile, scope.flag)) != opted_out
        ]
        chunk.imported.append(row)
        chunk.books.append(book)
        chunk.state_changes.extend(state_changes)
        if is_new:
            return
        if differing:
            chunk.changed.append(profile)
        if differing or book.is_dirty or state_changes:
            chunk.updated += 1

    def _write_flags(self, state_changes: list[StateChange]) -> None:
        by_change: dict[tuple[Scope, bool], list[int]] = defaultdict(list)
        for change in state_changes:
            by_change[change.scope, change.opted_out].append(change.profile_id)
        origin = Origin(
            source=Source.IMPORT, note=self.options.note, actor=self.options.actor
        )
        for (scope, opted_out), ids in sorted(by_change.items()):
            write = consent.opt_out_all if opted_out else consent.opt_in_all
            write(Profile.objects.filter(pk__in=ids), scope, origin)


def _matches(rows: list[Row]) -> list[list[int]]:
    """For each row the ids of the profiles that it may mean, in two queries."""
    external_ids = [row.external_id for row in rows if row.external_id]
    by_external_id = dict(
        Profile.objects.filter(external_id__in=external_ids).values_list(
            "external_id", "id"
        )
    )
    keys = {row.email_key for row in rows if not row.external_id}
    by_email: dict[str, list[int]] = defaultdict(list)
    for key, profile_id in Address.objects.filter(
        channel=Channel.EMAIL, key__in=keys, is_primary=True
    ).values_list("key", "profile_id"):
        by_email[key].append(profile_id)
    return [
        (
            [by_external_id[row.external_id]]
            if row.external_id in by_external_id
            else []
            if row.external_id
            else by_email.get(row.email_key, [])
        )
        for row in rows
    ]


_FIELDS = ["first_name", "last_name", "language", "country"]


def _write_profiles(chunk: _Chunk) -> None:
    now = timezone.now()
    columns = ["id", "external_id", *_FIELDS]
    bulk_sql.bulk_insert(
        Profile,
        [*columns, "created_at"],
        ([*(getattr(p, name) for name in columns), now] for p in chunk.created),
    )
    bulk_sql.bulk_update(Profile, _FIELDS, chunk.changed)


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
