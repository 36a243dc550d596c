"""Import of subscriptions from a file: rows in, subscriptions and rejects out (S5).

Each row is an act: a profile subscribes to a service or ends it, now or on a date. Rows
are worked off in chunks, each in one transaction with a fixed number of statements, as
if one by one: an import that was interrupted can simply be run again. It never revives
what a person has ended, unless it is told to and has a note. No message is sent.
"""

import contextlib
import gc
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audiences import consent, profiles, sql, subscriptions
from audiences.consent import Kind, Origin, Source, Step, locks
from audiences.files import DelimitedFile, Problem
from audiences.imports.subscription_rows import SUBSCRIBE, Row, read_row
from audiences.models import ConsentEvent, Service, Subscription
from audiences.sql import process_lock, statements
from audiences.subscriptions import find_service, many, state

CHUNK_SIZE = 5000
# A file that changes more than this gets fresh planner statistics.
MANY = 10_000
Status = Subscription.Status


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to import; `service` is the slug for a file without such a column."""

    dry_run: bool = False
    revive: bool = False
    note: str = ""
    actor: str = ""
    service: str = ""


@dataclass
class Counts:
    """What became of the rows."""

    subscribed: int = 0
    unsubscribed: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass(kw_only=True)
class Listeners:
    """Who is told what while the import runs."""

    on_reject: Callable[[Row, Problem], None]
    on_progress: Callable[[int], None] = lambda done: None


def import_subscriptions(
    file: DelimitedFile, columns: list[str], options: Options, listeners: Listeners
) -> Counts:
    """Import a file to its end and return the counts.

    A dry run does everything in one transaction and takes it back. Raises
    bulk_sql.Locked while another import runs, NoSuchService for `options.service`, and
    ConsentError when reviving is allowed without a note.
    """
    if options.revive and not options.note.strip():
        raise consent.ConsentError(
            "Reviving needs a note that says how the people asked for it."
        )
    if options.service:
        find_service(options.service)
    run = _Import(file, columns, options, listeners)
    with process_lock("import-subscriptions"), _few_collections():
        if options.dry_run:
            with transaction.atomic():
                run.work()
                transaction.set_rollback(True)
        else:
            run.work()
            if run.counts.subscribed + run.counts.unsubscribed > MANY:
                sql.analyze(Subscription, ConsentEvent)
    return run.counts


@contextlib.contextmanager
def _few_collections() -> Iterator[None]:
    """Left alone, the collector walks the objects of a chunk over and over."""
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()


@dataclass
class _Plan:
    """What the rows of one chunk come down to, before anything is written."""

    held: dict[tuple[int, int], Subscription]
    # Those that only `revive` may subscribe again.
    ended: set[tuple[int, int]] = field(default_factory=set)
    new: dict[tuple[int, int], Subscription] = field(default_factory=dict)
    changed: dict[tuple[int, int], Subscription] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    rejected: list[tuple[Row, Problem]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    def reject(self, row: Row, name: str, reason: str) -> None:
        self.rejected.append((row, Problem(name, reason)))

    def take(
        self,
        pair: tuple[int, int],
        values: dict[str, object],
        kind: str,
        at: datetime,
    ) -> None:
        """Give a subscription its new values, with the step of it."""
        held = self.held.get(pair)
        if held is None:
            held = Subscription(profile_id=pair[0], service_id=pair[1])
            self.held[pair] = self.new[pair] = held
        elif held.pk:
            self.changed[pair] = held
        for name, value in values.items():
            setattr(held, name, value)
        mark = self.ended.add if kind == Kind.UNSUBSCRIBE else self.ended.discard
        mark(pair)
        self.steps.append(Step(*pair, kind, at))


class _Import:
    def __init__(
        self,
        file: DelimitedFile,
        columns: list[str],
        options: Options,
        listeners: Listeners,
    ) -> None:
        self.file = file
        self.columns = columns
        self.options = options
        self.listeners = listeners
        self.counts = Counts()
        self.now = timezone.now()

    def work(self) -> None:
        rows = self._rows()
        while chunk := list(itertools.islice(rows, CHUNK_SIZE)):
            with transaction.atomic():
                plan = self._write(chunk)
            self._tell(plan)
            gc.collect()

    def _rows(self) -> Iterator[Row]:
        for record in self.file.records(self.listeners.on_progress):
            if record.problem:
                yield Row(record.line, rejection=Problem("", record.problem))
                continue
            yield read_row(
                record.line,
                record.cells,
                self.columns,
                service=self.options.service,
            )

    def _tell(self, plan: _Plan) -> None:
        for row, problem in plan.rejected:
            self.listeners.on_reject(row, problem)
        self.counts.rejected += len(plan.rejected)
        self.counts.subscribed += plan.counts.subscribed
        self.counts.unsubscribed += plan.counts.unsubscribed
        self.counts.unchanged += plan.counts.unchanged

    def _write(self, rows: list[Row]) -> _Plan:
        """Play the rows one by one on what is locked, then write what changed."""
        self.now = timezone.now()
        statements.expect_look_ups()
        readable = [row for row in rows if not row.rejection]
        found = profiles.find_ids({row.who for row in readable})
        ids = {pk for named in found.values() for pk in named}
        # Locked in the order of ids, as every writer does.
        locked = locks.rows_to_lock().filter(pk__in=ids).order_by("pk")
        there = set(locked.values_list("pk", flat=True))
        slugs = {row.service for row in readable}
        services = {s.slug: s for s in Service.objects.filter(slug__in=slugs)}
        # The sum keeps the planner from the index by service, which names half of a
        # large table where a chunk is about few people.
        held = Subscription.objects.alias(about=F("service_id") + 0).filter(
            profile_id__in=there, about__in=[s.pk for s in services.values()]
        )
        held = held.annotate(has_ended=subscriptions.ended())
        plan = _Plan({(row.profile_id, row.service_id): row for row in held})
        plan.ended = {
            pair for pair, row in plan.held.items() if getattr(row, "has_ended", False)
        }
        for row in rows:
            if row.rejection:
                plan.rejected.append((row, row.rejection))
                continue
            self._play(row, found[row.who] & there, services.get(row.service), plan)
        origin = Origin(
            source=Source.IMPORT, note=self.options.note, actor=self.options.actor
        )
        if plan.steps:
            new, changed = list(plan.new.values()), list(plan.changed.values())
            many.write_steps(new, changed, plan.steps, origin)
        return plan

    def _play(
        self, row: Row, people: set[int], service: Service | None, plan: _Plan
    ) -> None:
        if service is None:
            plan.reject(row, "service", f"there is no service {row.service[:50]!r}")
        elif not people:
            plan.reject(row, "profile", "no profile is named so")
        elif len(people) > 1:
            listed = ", ".join(map(str, sorted(people)))
            plan.reject(row, "profile", f"it names several profiles: {listed}")
        elif row.at and row.at > self.now:
            plan.reject(row, "date", "it is in the future")
        else:
            pair = (next(iter(people)), service.pk)
            act = self._subscribe if row.action == SUBSCRIBE else self._unsubscribe
            act(row, pair, service, plan)

    def _subscribe(
        self, row: Row, pair: tuple[int, int], service: Service, plan: _Plan
    ) -> None:
        held, at = plan.held.get(pair), row.at or self.now
        if held and held.status_at(at) == Status.ACTIVE:
            plan.counts.unchanged += 1
        elif service.is_closed:
            plan.reject(row, "service", "it is closed: no new subscriptions")
        elif held and pair in plan.ended and not self.options.revive:
            since = ""
            if held.status == Status.UNSUBSCRIBED:
                since = f" on {timezone.localtime(held.changed_at):%Y-%m-%d}"
            plan.reject(
                row,
                "action",
                f"the profile has unsubscribed{since}; --revive with --note "
                "subscribes it again",
            )
        elif held and _is_older(row, held):
            plan.reject(row, "date", _older(held))
        else:
            values = state.activated(service, at)
            plan.take(pair, values, Kind.SUBSCRIBE, at)
            plan.counts.subscribed += 1

    def _unsubscribe(
        self, row: Row, pair: tuple[int, int], service: Service, plan: _Plan
    ) -> None:
        held, at = plan.held.get(pair), row.at or self.now
        if held is None or held.status not in (Status.ACTIVE, Status.PENDING):
            plan.counts.unchanged += 1
        elif _is_older(row, held):
            plan.reject(row, "date", _older(held))
        else:
            values = {"status": Status.UNSUBSCRIBED, "changed_at": at}
            plan.take(pair, values, Kind.UNSUBSCRIBE, at)
            plan.counts.unsubscribed += 1


def _is_older(row: Row, held: Subscription) -> bool:
    return row.at is not None and row.at < held.changed_at


def _older(held: Subscription) -> str:
    since = f"{timezone.localtime(held.changed_at):%Y-%m-%d %H:%M}"
    return f"it is before the last change, which was on {since}"
