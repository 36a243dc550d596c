"""One engine for every file that is imported: rows in, changes and rejects out.

Rows go in chunks, each in one transaction with a fixed number of statements, and come
to the same as one by one: an import that was interrupted can simply be run again. What
a kind of file means, an `Importer` says.
"""

import abc
import contextlib
import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from django.db import connection, models, reset_queries, transaction

from audiences import sql
from audiences.channels import Scope
from audiences.files import BadCell, Problem, Reject, TableFile
from audiences.models import ImportRun
from audiences.refusals import Sentence
from audiences.sql import statements
from audiences.sql.retries import retried

from .lanes import Turn, in_lanes
from .reading_ahead import reading_ahead

CHUNK_SIZE = 2000
# A file that changes more rows than this gets fresh planner statistics.
MANY = 10_000
# Only rejects leave circles behind.
COLLECTED_EACH = 20
Row = TypeVar("Row")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StateChange:
    """Somebody who is opted out or in by the file."""

    line: int
    profile_id: int
    external_id: str
    scope: Scope
    opted_out: bool
    name: str = ""


@dataclass(slots=True)
class Chunk:
    """What became of the rows of one chunk; `line` is the last that was read."""

    line: int
    counts: Counter[str] = field(default_factory=Counter)
    # What the rows of the file came to, up to here.
    so_far: dict[str, int] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    state_changes: list[StateChange] = field(default_factory=list)
    # How many people a "no" would have opted in, which was not allowed.
    kept_out: int = 0
    # Its place in the order of the file.
    turn: Turn = field(default_factory=Turn)

    def reject(self, line: int, bad: BadCell) -> None:
        self.rejects.append(Reject(line, bad.problem))

    def remark(self, line: int, problem: Problem) -> None:
        """A value of a row that was imported without it."""
        self.rejects.append(Reject(line, problem, "imported"))


class Importer(abc.ABC, Generic[Row]):
    """One kind of file: how a row is read, and how the rows of a chunk are written.

    Made with the file, it refuses one whose columns it does not understand.
    """

    # What rows come to, in the order of tables; those that are a change; the tables.
    counted: ClassVar[tuple[str, ...]]
    changing: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[tuple[type[models.Model], ...]] = ()
    # Only one import at a time holds it; without a name there may be several.
    lock: ClassVar[str] = ""
    # What each column of the file means; None for one that is passed over, and the
    # headings of those.
    columns: Sequence[Any]
    passed_over: Sequence[str] = ()
    # Whose export the file is, if that is known.
    system: str = ""

    @classmethod
    def of_run(cls, file: TableFile, run: ImportRun) -> "Importer[Row]":
        """What reads the file of an import in the console. Raises Refused."""
        raise NotImplementedError

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """What a column may mean, by our names, for somebody who is to say it."""
        raise NotImplementedError

    @classmethod
    def guess(
        cls, heading: str, values: list[str], file: TableFile
    ) -> tuple[str, list[str]]:
        """Our name for a column, empty if nobody knows, and its values that say yes."""
        raise NotImplementedError

    @abc.abstractmethod
    def read(self, line: int, cells: list[str]) -> Row:
        """The typed values of one record. Raises BadCell."""

    @abc.abstractmethod
    def write(self, rows: list[Row], chunk: Chunk) -> None:
        """Write the rows, in a transaction, and note in the chunk what they came to.

        Once everybody is looked up and locked it says so (`chunk.turn.planned`). What
        chunks that share no name may both write, it writes after `chunk.turn.wait`.
        """

    def names(self, rows: list[Row]) -> Set[str] | None:
        """What the rows look for or make: whoever is named in two chunks is looked up
        when the first is committed. None: each chunk is looked up after the one before.
        """
        return None

    def pass_by(self, row: Row) -> None:
        """Take note of a row that was written before the import was interrupted."""

    def close(self) -> None:
        """Let go of what was held while the file was read."""


# The line of a record, what was remarked while it was read, and what it says. Its cells
# are let go: many rows wait for their turn.
Read = tuple[int, Sentence | str, Row | BadCell]
Counts = dict[str, int]
OnChunk = Callable[[Chunk, Counts], None]


@dataclass(kw_only=True)
class Import(Generic[Row]):
    """One file that is imported to its end.

    A `preview` takes back each chunk by itself: unlike a dry run it locks nobody for
    long, but a person whom the file names in two ways may count as two. `after_line`
    goes on with an import that was interrupted. `on_chunk` hears of each chunk, with
    the counts so far, as the last thing inside its transaction; in a preview after it.
    """

    file: TableFile
    importer: Importer[Row]
    preview: bool = False
    after_line: int = 0
    on_chunk: OnChunk = lambda chunk, counts: None
    on_progress: Callable[[int], None] = lambda done: None
    counts: Counts = field(init=False)

    def run(self, *, dry_run: bool = False) -> Counts:
        """Import the file and return the counts.

        A dry run does everything in one transaction and takes it back, so that what it
        says is what would happen. Raises sql.Locked while another import of the kind
        runs.
        """
        importer = self.importer
        self.counts = dict.fromkeys(importer.counted, 0)
        lock = (
            sql.process_lock(importer.lock)
            if importer.lock
            else contextlib.nullcontext()
        )
        with (
            lock,
            contextlib.closing(importer),
            _few_collections(),
            statements.more_in_memory(),
        ):
            if dry_run:
                with transaction.atomic():
                    self._work()
                    transaction.set_rollback(True)
            else:
                self._work()
                if sum(self.counts[name] for name in importer.changing) > MANY:
                    sql.analyze(*importer.tables)
        return self.counts

    def _work(self) -> None:
        with reading_ahead(self._read, CHUNK_SIZE) as read:
            chunks = _collecting(read)
            for rows in chunks:
                self._write(rows)
                if self._has_lanes(rows):
                    in_lanes(chunks, self._write, self._names)

    def _has_lanes(self, rows: list[Read[Row]]) -> bool:
        """Whether the rest is planned and written at once. SQLite has one writer."""
        may = not (self.preview or connection.in_atomic_block or len(rows) < CHUNK_SIZE)
        return may and sql.is_postgresql() and self.importer.names([]) is not None

    def _names(self, read: list[Read[Row]]) -> Set[str]:
        rows = [row for _line, _remark, row in read if not isinstance(row, BadCell)]
        return self.importer.names(rows) or set()

    def _read(self) -> Iterator[Read[Row]]:
        for record in self.file.records(self.on_progress):
            row: Row | BadCell
            try:
                if record.problem:
                    raise BadCell("", record.problem)
                row = self.importer.read(record.line, record.cells)
            except BadCell as bad:
                row = bad
            if record.line > self.after_line:
                yield record.line, record.remark, row
            elif not isinstance(row, BadCell):
                self.importer.pass_by(row)

    def _write(self, read: list[Read[Row]], turn: Turn | None = None) -> None:
        """Write the rows and tell what became of each, in one transaction."""
        if not connection.force_debug_cursor:  # else somebody counts them
            # With DEBUG, Django keeps each statement with its thousands of ids.
            reset_queries()
        chunk = self._written(read, turn or Turn())
        if self.preview or connection.in_atomic_block:
            self.counts = chunk.so_far
        if self.preview:
            self.on_chunk(chunk, self.counts)

    @retried
    def _written(self, read: list[Read[Row]], turn: Turn) -> Chunk:
        """Everything anew at each attempt, in a transaction of its own."""
        turn.begin()
        chunk = Chunk(read[-1][0], turn=turn)
        # The first to hear of the commit: the next chunk waits for nothing else.
        transaction.on_commit(lambda: self._committed(chunk))
        rows: list[Row] = []
        for line, remark, row in read:
            if isinstance(row, BadCell):
                chunk.reject(line, row)
            else:
                rows.append(row)
            if remark:
                chunk.remark(line, Problem("", remark))
        if rows:
            self.importer.write(rows, chunk)
        turn.wait()
        chunk.so_far = self._counted(chunk)
        if self.preview:
            transaction.set_rollback(True)
        else:
            self.on_chunk(chunk, chunk.so_far)
        return chunk

    def _committed(self, chunk: Chunk) -> None:
        self.counts = chunk.so_far
        chunk.turn.committed()

    def _counted(self, chunk: Chunk) -> Counts:
        """The counts so far, with those of the chunk."""
        chunk.rejects.sort(key=lambda reject: reject.line)
        for reject in chunk.rejects:
            name = "bad_values" if reject.outcome == "imported" else "rejected"
            chunk.counts[name] += 1
            if reject.outcome == "restricted":
                chunk.counts["restricted"] += 1
        counts = dict(self.counts)
        for name, count in chunk.counts.items():
            # What is rare is counted where it happens.
            counts[name] = counts.get(name, 0) + count
        return counts


def _collecting(chunks: Iterator[T]) -> Iterator[T]:
    for number, chunk in enumerate(chunks, 1):
        yield chunk
        if number % COLLECTED_EACH == 0:
            gc.collect()


@contextlib.contextmanager
def _few_collections() -> Iterator[None]:
    """One garbage collection for some chunks.

    Left alone, the collector walks the objects of a chunk over and over.
    """
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()
