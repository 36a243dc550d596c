"""Import of subscriptions from a file: which acts it asks for, and what they change.

Each row is an act (S5): a profile subscribes to a service or ends it, now or on a date.
It never revives what a person has ended, unless it may and has a note. No message is
sent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import F
from django.db.models.base import ModelState
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_noop as noop

from audiences import consent, profiles, subscriptions
from audiences.consent import Kind, Origin, Source, Step, locks
from audiences.files import (
    BadCell,
    Problem,
    TableFile,
    UnknownColumns,
    moment_cell,
    named_cells,
    names_of,
)
from audiences.models import ConsentEvent, ImportRun, Service, Subscription
from audiences.refusals import Refused, Sentence
from audiences.sql import statements
from audiences.subscriptions import bulk as many, find_service, writing

from .columns import Reading, read_columns
from .engine import Chunk, Importer

Status = Subscription.Status
SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"

# What a column may be called besides our own name. Letter case, spaces, hyphens and
# underscores do not count.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "profile": ("profiel", "person", "persoon"),
    "id": ("profile_id", "profiel_id"),
    "external_id": (
        *("externe_id", "extern_id", "extern_nummer"),
        *("klantnummer", "relatienummer"),
    ),
    "email": ("e_mail", "emailadres", "email_address", "mailadres"),
    "service": ("dienst", "nieuwsbrief", "newsletter"),
    "action": ("actie", "status"),
    "date": ("datum", "at", "when", "wanneer"),
}
# Which column names the person, the surest first.
WHO = ("id", "external_id", "profile", "email")
ACTIONS: dict[str, str] = {
    **dict.fromkeys(
        ("subscribe", "subscribed", "aanmelden", "aangemeld", "in", "1", "yes", "ja"),
        SUBSCRIBE,
    ),
    **dict.fromkeys(
        (
            *("unsubscribe", "unsubscribed", "afmelden", "afgemeld"),
            *("out", "0", "no", "nee"),
        ),
        UNSUBSCRIBE,
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One act as the file says it; `who` is a PROFILE as commands name one.

    `remark` is about a value without which the act is done.
    """

    line: int
    who: str
    service: str
    action: str
    at: datetime | None
    remark: Problem | None = None


_name_of = names_of(OTHER_NAMES)
_IF_ENDED = Sentence(noop("--revive with --note subscribes it again"))
_IN_FUTURE = Sentence(noop("it is in the future"))
_READINGS = {"id": "id:", "external_id": "ext:", "email": "addr:"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to import; `service` is the slug for a file without such a column.

    The remedies say what to do about a refusal, in the words of the command line.
    """

    reading: Reading = field(default_factory=Reading)
    revive: bool = False
    note: str = ""
    actor: str = ""
    service: str = ""
    if_no_service: str = "Give --service SLUG."
    if_two_services: str = "leave out --service."
    if_ended: Sentence = _IF_ENDED


def _new(profile_id: int, service_id: int) -> Subscription:
    """A row without the constructor of models, which takes longer than all the rest."""
    made = Subscription.__new__(Subscription)
    made.__dict__ = {
        "_state": ModelState(),
        "id": None,
        "profile_id": profile_id,
        "service_id": service_id,
    }
    return made


@dataclass
class _Plan:
    """What the rows of one chunk come down to, before anything is written."""

    held: dict[tuple[int, int], Subscription]
    # Those that only `revive` may subscribe again.
    ended: set[tuple[int, int]] = field(default_factory=set)
    new: dict[tuple[int, int], Subscription] = field(default_factory=dict)
    changed: dict[tuple[int, int], Subscription] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
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
            held = _new(*pair)
            self.held[pair] = self.new[pair] = held
        elif held.pk:
            self.changed[pair] = held
        # As setattr would: none of these is a relation.
        held.__dict__.update(values)
        mark = self.ended.add if kind == Kind.UNSUBSCRIBE else self.ended.discard
        mark(pair)
        self.steps.append(Step(*pair, kind, at))


class SubscriptionsImporter(Importer[Row]):
    """Raises UnknownColumns, NoSuchService for `options.service`, and ConsentError when
    reviving is allowed without a note."""

    counted = ("subscribed", "unsubscribed", "unchanged", "rejected")
    changing = ("subscribed", "unsubscribed")
    tables = (Subscription, ConsentEvent)
    lock = "import-subscriptions"

    def __init__(self, file: TableFile, options: Options) -> None:
        self.options = options
        self.columns, self.passed_over = _read_header(file, options)
        self._who = naming(self.columns)
        if options.revive and not options.note.strip():
            raise consent.ConsentError(
                _("Reviving needs a note that says how the people asked for it.")
            )
        if options.service:
            find_service(options.service)

    @classmethod
    def of_run(cls, file: TableFile, run: ImportRun) -> "SubscriptionsImporter":
        how = Options(
            reading=Reading(
                chosen=run.details.get("columns", ()),
                remedy=_("Say what it means, or leave it out by name."),
                consent_remedy=_("Say what it means, or leave it out by name."),
            ),
            service=run.details.get("service", ""),
            revive="revive" in run.details,
            note=run.note,
            actor=run.actor,
            if_no_service=_("Choose the service of all rows."),
            if_two_services=_("choose no service."),
            if_ended=Sentence(
                noop("only an import that may revive subscribes it again")
            ),
        )
        return cls(file, how)

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(name, name) for name in OTHER_NAMES]

    @classmethod
    def guess(
        cls, heading: str, values: list[str], file: TableFile
    ) -> tuple[str, list[str]]:
        return _name_of(heading) or "", []

    def read(self, line: int, cells: list[str]) -> Row:
        given = named_cells(self.columns, cells)
        name = next((name for name in WHO if name in given), "")
        if not name:
            raise BadCell("profile", noop("nothing says who this is"))
        service = given.get("service", self.options.service)
        if not service:
            raise BadCell("service", noop("it is empty"))
        text = given.get("action", SUBSCRIBE)
        action = ACTIONS.get(text.casefold())
        if not action:
            reason = noop("{text} is neither subscribe nor unsubscribe")
            raise BadCell("action", reason, text=repr(text[:50]))
        no_date = noop("{text} is no date such as 2026-05-31 or 2026-05-31T14:00")
        at, remark = None, None
        try:
            at = moment_cell(given, "date", no_date)
        except BadCell as bad:
            # Who leaves, leaves, whenever that was.
            if action == SUBSCRIBE:
                raise
            remark = bad.problem
        return Row(line, self._who(name, given[name]), service, action, at, remark)

    def write(self, rows: list[Row], chunk: Chunk) -> None:
        """Play the rows one by one on what is locked, then write what changed."""
        statements.expect_look_ups()
        found = profiles.find_ids({row.who for row in rows})
        ids = {pk for named in found.values() for pk in named}
        # Locked in the order of ids, as every writer does.
        locked = locks.rows_to_lock().filter(pk__in=ids).order_by("pk")
        there = set(locked.values_list("pk", flat=True))
        slugs = {row.service for row in rows}
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
        for row in [_by_now(row, plan.now) for row in rows]:
            try:
                people = found[row.who] & there
                chunk.counts[self._play(row, people, services, plan)] += 1
                if row.remark:
                    chunk.remark(row.line, row.remark)
            except BadCell as bad:
                chunk.reject(row.line, bad)
        if plan.steps:
            origin = Origin(
                source=Source.IMPORT, note=self.options.note, actor=self.options.actor
            )
            new, changed = list(plan.new.values()), list(plan.changed.values())
            many.write_steps(new, changed, plan.steps, origin)

    def _play(
        self, row: Row, people: set[int], services: dict[str, Service], plan: _Plan
    ) -> str:
        """Do what the row says; returns what it came to. Raises BadCell."""
        service = services.get(row.service)
        if service is None:
            reason = noop("there is no service {service}")
            raise BadCell("service", reason, service=repr(row.service[:50]))
        if not people:
            raise BadCell("profile", noop("no profile is named so"))
        if len(people) > 1:
            listed = ", ".join(map(str, sorted(people)))
            reason = noop("it names several profiles: {profiles}")
            raise BadCell("profile", reason, profiles=listed)
        if row.at and row.at > plan.now:
            raise BadCell("date", _IN_FUTURE)
        pair = (next(iter(people)), service.pk)
        if row.action == SUBSCRIBE:
            return self._subscribe(row, pair, service, plan)
        return _unsubscribe(row, pair, plan)

    def _subscribe(
        self, row: Row, pair: tuple[int, int], service: Service, plan: _Plan
    ) -> str:
        held, at = plan.held.get(pair), row.at or plan.now
        if held and held.status_at(at) == Status.ACTIVE:
            return "unchanged"
        if service.is_closed:
            raise BadCell("service", noop("it is closed: no new subscriptions"))
        if held and pair in plan.ended and not self.options.revive:
            day = f"{timezone.localtime(held.changed_at):%Y-%m-%d}"
            raise BadCell("action", _ended(held), day=day, remedy=self.options.if_ended)
        if held:
            _require_later(row, held)
        plan.take(pair, writing.activated(service, at), Kind.SUBSCRIBE, at)
        return "subscribed"


def _read_header(
    file: TableFile, options: Options
) -> tuple[list[str | None], list[str]]:
    """Our name of each column, and those that are left out; raises UnknownColumns."""
    is_own = {"profile", "external_id", "address", "code", "label"} == set(file.header)
    found = read_columns(
        file, _name_of, options.reading, known=OTHER_NAMES, passes_over=is_own
    )
    names = found.meanings
    if not set(names) & set(WHO):
        who = ", ".join(WHO)
        text = _("No column says who: one of {names} is needed.")
        raise UnknownColumns(text.format(names=who))
    if "service" not in names and not options.service:
        text = _("No column says which service.")
        raise Refused(f"{text} {options.if_no_service}")
    if "service" in names and options.service:
        text = _("The file has a column service:")
        raise Refused(f"{text} {options.if_two_services}")
    return names, found.passed_over


def naming(names: Sequence[str | None]) -> Callable[[str, str], str]:
    """How a cell of a file with these columns names a person, as PROFILE.

    Beside an external id, a profile is its id: so our own exports say it.
    """
    readings = dict(_READINGS)
    if "external_id" in names:
        readings["profile"] = "id:"

    def who(name: str, text: str) -> str:
        if name == "profile" and not text.isdigit():
            return text
        return readings.get(name, "") + text

    return who


def _by_now(row: Row, now: datetime) -> Row:
    """The row without a date that is still to come, if it unsubscribes."""
    if row.action == UNSUBSCRIBE and row.at and row.at > now:
        return replace(row, at=None, remark=Problem("date", _IN_FUTURE))
    return row


def _ended(held: Subscription) -> str:
    if held.status != Status.UNSUBSCRIBED:
        return noop("the profile has unsubscribed; {remedy}")
    return noop("the profile has unsubscribed on {day}; {remedy}")


def _unsubscribe(row: Row, pair: tuple[int, int], plan: _Plan) -> str:
    held, at = plan.held.get(pair), row.at or plan.now
    if held is None or held.status not in (Status.ACTIVE, Status.PENDING):
        return "unchanged"
    _require_later(row, held)
    values = {"status": Status.UNSUBSCRIBED, "changed_at": at}
    plan.take(pair, values, Kind.UNSUBSCRIBE, at)
    return "unsubscribed"


def _require_later(row: Row, held: Subscription) -> None:
    if row.at is not None and row.at < held.changed_at:
        since = f"{timezone.localtime(held.changed_at):%Y-%m-%d %H:%M}"
        reason = noop("it is before the last change, which was on {since}")
        raise BadCell("date", reason, since=since)
