"""Import of subscriptions from a file: which acts it asks for, and what they change.

Each row is an act (S5): a profile subscribes to a service or ends it, now or on a date.
It never revives what a person has ended, unless it may and has a note. No message is
sent.
"""

import functools
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop as _

from audiences import consent, moments, profiles
from audiences.consent import Kind, Origin, Source, history, locks
from audiences.files import BadCell, TableFile, named_cells
from audiences.models import ConsentEvent, ImportRun, Service, Subscription
from audiences.refusals import Sentence
from audiences.sql import statements
from audiences.sql.many import among
from audiences.subscriptions import bulk as many, find_service, writing
from audiences.subscriptions.bulk import Held
from audiences.suppression.restriction import RESTRICTED, restricted_among

from .columns import Reading
from .columns.action_words import SUBSCRIBE, UNSUBSCRIBE, is_about_leaving
from .engine import Chunk, Importer
from .seen import Seen
from .subscription_rows import (
    IN_FUTURE,
    OTHER_NAMES,
    Options,
    Row,
    by_now,
    name_of,
    naming,
    read_header,
    read_row,
)

SINCE = _("unsubscribed since the file was uploaded, or in another row of it")
Status = Subscription.Status
_SUBSCRIBE, _UNSUBSCRIBE = Kind.SUBSCRIBE.value, Kind.UNSUBSCRIBE.value


@dataclass
class _Plan:
    """What the rows of one chunk come down to, before anything is written."""

    origin: Origin
    held: dict[tuple[int, int], Held]
    # Those that only `revive` may subscribe again.
    ended: set[tuple[int, int]]
    # Profiles whose data is restricted: they only unsubscribe.
    restricted: set[int]
    new: dict[tuple[int, int], Held] = field(default_factory=dict)
    changed: dict[tuple[int, int], Held] = field(default_factory=dict)
    steps: list[history.Row] = field(default_factory=list)
    now: datetime = field(default_factory=timezone.now)

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
            held = self.held[pair] = self.new[pair] = Held(*pair, "", at)
        elif held.id:
            self.changed[pair] = held
        for name, value in values.items():
            setattr(held, name, value)
        mark = self.ended.add if kind == _UNSUBSCRIBE else self.ended.discard
        mark(pair)
        self.steps.append((pair[0], at, kind, "", pair[1], self.origin))


class SubscriptionsImporter(Importer[Row]):
    """Raises UnknownColumns, NoSuchService for `options.service`, and ConsentError when
    reviving is allowed without a note."""

    counted = ("subscribed", "unsubscribed", "unchanged", "rejected")
    changing = ("subscribed", "unsubscribed")
    tables = (Subscription, ConsentEvent)
    lock = "import-subscriptions"

    def __init__(self, file: TableFile, options: Options) -> None:
        self.options = options
        self.columns, self.passed_over = read_header(file, options)
        self.origin = Origin(
            source=Source.IMPORT, note=options.note, actor=options.actor
        )
        self._who = naming(self.columns)
        # Many rows of a file have the same day.
        self._read_moment = functools.lru_cache(maxsize=10_000)(moments.read)
        # Who leaves, by the line that says so.
        self._left = Seen()
        headings = dict(zip(self.columns, file.header, strict=True))
        self._leaving = is_about_leaving(headings.get("action", ""))
        # "Unsubscribed on": whoever has a date there leaves, unless a column says it.
        self._dates_leave = "action" not in headings and is_about_leaving(
            headings.get("date", "")
        )
        if options.revive and not self.origin.has_note:
            raise consent.ConsentError(
                gettext("Reviving needs a note that says how the people asked for it.")
            )
        if options.service:
            find_service(options.service)

    @classmethod
    def of_run(cls, file: TableFile, run: ImportRun) -> "SubscriptionsImporter":
        how = Options(
            reading=Reading.of_details(
                run.details,
                ignore_unknown=run.ignore_unknown,
            ),
            service=run.details.get("service", ""),
            revive="revive" in run.details,
            note=run.note,
            actor=run.actor,
            since=run.created_at,
            if_no_service=gettext("Choose the service of all rows."),
            if_two_services=gettext("choose no service."),
            if_ended=Sentence(_("only an import that may revive subscribes it again")),
        )
        return cls(file, how)

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(name, name) for name in OTHER_NAMES]

    @classmethod
    def guess(
        cls, heading: str, values: list[str], file: TableFile
    ) -> tuple[str, list[str]]:
        return name_of(heading) or "", []

    def read(self, line: int, cells: list[str]) -> Row:
        # Who leaves, leaves, whatever stands in the column of the date.
        given = named_cells(self.columns, cells, judged=("date",))
        if self._dates_leave:
            given["action"] = UNSUBSCRIBE if "date" in given else ""
        return read_row(
            line,
            given,
            self._who,
            self._read_moment,
            self.options,
            leaving=self._leaving or self._dates_leave,
        )

    def pass_by(self, row: Row) -> None:
        # Whom it means is looked up no more; the next row may name them so, too.
        if row.action == UNSUBSCRIBE:
            self._left.mark((row.who, row.service), row.line)

    def names(self, rows: list[Row]) -> set[str]:
        """Nobody is made; who is named again waits for the lock of the profile."""
        return set()

    def write(self, rows: list[Row], chunk: Chunk) -> None:
        """Play the rows one by one on what is locked, then write what changed."""
        statements.expect_look_ups()
        found = profiles.find_ids({row.who for row in rows})
        ids = {pk for named in found.values() for pk in named}
        # Locked in the order of ids, as every writer does.
        locked = locks.rows_to_lock().filter(among("id", ids)).order_by("pk")
        there = {pk for (pk,) in statements.raw_rows(locked.values_list("pk"))}
        slugs = {row.service for row in rows}
        services = {s.slug: s for s in Service.objects.filter(slug__in=slugs)}
        held = many.held_among(there, services.values())
        plan = _Plan(self.origin, *held, restricted_among(there))
        for row in [by_now(row, plan.now) for row in rows]:
            try:
                people = found[row.who] & there
                chunk.counts[self._play(row, people, services, plan)] += 1
                if row.remark:
                    chunk.remark(row.line, row.remark)
            except BadCell as bad:
                chunk.reject(row.line, bad)
        chunk.turn.planned()
        if plan.steps:
            changed = list(plan.changed.values())
            many.write_steps(plan.new.values(), changed, plan.steps)

    def _play(
        self, row: Row, people: set[int], services: dict[str, Service], plan: _Plan
    ) -> str:
        """Do what the row says; returns what it came to. Raises BadCell."""
        service = services.get(row.service)
        if service is None:
            reason = _("there is no service {service}")
            raise BadCell("service", reason, service=repr(row.service[:50]))
        if not people:
            raise BadCell("profile", _("no profile is named so"))
        if len(people) > 1:
            listed = ", ".join(map(str, sorted(people)))
            reason = _("it names several profiles: {profiles}")
            raise BadCell("profile", reason, profiles=listed)
        if row.at and row.at > plan.now:
            raise BadCell("date", IN_FUTURE)
        pair = (next(iter(people)), service.pk)
        if row.action == SUBSCRIBE:
            self._require_wish(row, pair, plan)
            return self._subscribe(row, pair, service, plan)
        self._left.mark(pair, row.line)
        return _unsubscribe(row, pair, plan)

    def _require_wish(self, row: Row, pair: tuple[int, int], plan: _Plan) -> None:
        """Raise BadCell where the file, or what is newer than it, says that they leave.

        Of rows that have a date the dates decide, where it may revive at all.
        """
        held, may = plan.held.get(pair), self.options.revive
        if (may and row.at) or (held and held.status == Status.ACTIVE):
            return
        line = self._left.line_of(pair) or self._left.line_of((row.who, row.service))
        if 0 < line < row.line:
            raise BadCell("action", _("row {line} unsubscribes them"), line=line)
        is_out = held and held.status == Status.UNSUBSCRIBED
        if may and held and is_out and held.changed_at > self.options.since:
            raise BadCell("action", SINCE)

    def _subscribe(
        self, row: Row, pair: tuple[int, int], service: Service, plan: _Plan
    ) -> str:
        held, at = plan.held.get(pair), row.at or plan.now
        if pair[0] in plan.restricted:
            raise BadCell("profile", RESTRICTED)
        if held and held.status_at(at) == Status.ACTIVE:
            return "unchanged"
        if service.is_closed:
            raise BadCell("service", _("it is closed: no new subscriptions"))
        if held and pair in plan.ended and not self.options.revive:
            day = f"{timezone.localtime(held.changed_at):%Y-%m-%d}"
            raise BadCell("action", _ended(held), day=day, remedy=self.options.if_ended)
        if held:
            _require_later(row, held)
        plan.take(pair, writing.activated(service, at), _SUBSCRIBE, at)
        return "subscribed"


def _ended(held: Held) -> str:
    if held.status != Status.UNSUBSCRIBED:
        return _("the profile has unsubscribed; {remedy}")
    return _("the profile has unsubscribed on {day}; {remedy}")


def _unsubscribe(row: Row, pair: tuple[int, int], plan: _Plan) -> str:
    held, at = plan.held.get(pair), row.at or plan.now
    if held is None or held.status not in (Status.ACTIVE, Status.PENDING):
        return "unchanged"
    _require_later(row, held)
    values = {"status": Status.UNSUBSCRIBED, "changed_at": at}
    plan.take(pair, values, _UNSUBSCRIBE, at)
    return "unsubscribed"


def _require_later(row: Row, held: Held) -> None:
    if row.at is not None and row.at < held.changed_at:
        since = f"{timezone.localtime(held.changed_at):%Y-%m-%d %H:%M}"
        reason = _("it is before the last change, which was on {since}")
        raise BadCell("date", reason, since=since)
