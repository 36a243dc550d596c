"""What came back: read, applied, concluded.

`apply_all` is the one function that lets events act: on the quarantine of an address,
on consent, and on what became of a message. Any order and any number of times gives the
same state:

- an event counts once for its source and number. Without a number, what the report says
  is its number: a second copy of a bounce says the same;
- the same failure told by two sources (a mailbox and a webhook) is kept as two events;
  the quarantine counts the failure of a message once
  (`delivery.quarantine.status`), and so do the rates;
- what is told late is put where its own time belongs: status and counts are computed
  from all evidence in the order of its time.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.db import InterfaceError, OperationalError, transaction

from audiences import sql
from audiences.registry import Registry
from audiences.sql.once import insert_new
from audiences.sql.retries import again, retried
from delivery.feedback import erasure
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake import unproven, waiting
from delivery.feedback.intake.applying import (
    BATCH,
    QUIET,
    Applied,
    EventOutcome,
    apply_all,
)
from delivery.feedback.intake.attempts import Given, as_stored, facts_of, restore
from delivery.feedback.intake.concluding import CONCLUDED, Name, conclude, names_of
from delivery.feedback.intake.identity import storable
from delivery.feedback.intake.matching import Report, reports_of
from delivery.models import EventKind, InboundItem, InboundMention

State = InboundItem.State
# Bytes of items that are read together.
LARGEST_BATCH = 4_000_000
_DATABASE_IS_AWAY = (OperationalError, InterfaceError)
_MENTIONED = ("item_id", "channel", "key")
# What holds nothing.
_PLAIN = (State.NEW, State.UNMATCHED)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a reader found in an item: events, and what to do when there are none.

    `mentions` are addresses (channel and address) that the item names besides those of
    the events, so that a search and an erasure find it.
    """

    events: tuple[FeedbackEvent, ...] = ()
    otherwise: InboundItem.State = State.IGNORED
    note: str = ""
    mentions: tuple[Name, ...] = ()


_Found = tuple[InboundItem, Findings]
Reader = Callable[[InboundItem], Findings]
# Who reads the items of a source. Readers register; see `register`.
READERS: Registry[str, Reader] = Registry("reader of")


def register(source: str, reader: Reader) -> None:
    """Let a reader read the items of a source: when they arrive, and again later."""
    READERS.add(source, reader)


def process(item: InboundItem) -> InboundItem:
    """Read an item and apply what it says; it ends up applied, ignored or waiting.

    Safe to repeat, also after a crash at any moment. An item whose source nobody reads
    stays new. One that cannot be read or applied waits for a human, and stops no other.
    """
    if item.source not in READERS:
        return item
    return _settle_alone(item, _read(item))


def _read(item: InboundItem) -> Findings:
    """What the reader of an item finds; one that breaks its reader is unreadable."""
    try:
        return READERS[item.source](item)
    except _DATABASE_IS_AWAY:
        raise  # that says nothing about the item, which stays new
    except Exception as error:
        return Findings(otherwise=State.UNREADABLE, note=type(error).__name__)


def _settle_alone(item: InboundItem, findings: Findings) -> InboundItem:
    given = facts_of([item])

    def once() -> InboundItem:
        restore([item], given)
        # One event: one commit. Many each have their own, as two runs would wait for
        # each other's rows in a ring.
        if len(findings.events) > 1:
            return settle(item, findings)
        with transaction.atomic():
            return settle(item, findings)

    try:
        return again(once)
    except _DATABASE_IS_AWAY:
        raise
    except Exception as error:
        mention([(item, findings)])
        return conclude(item, State.UNREADABLE, note=type(error).__name__)


def process_all(items: Iterable[InboundItem]) -> list[InboundItem]:
    """`process` for many: what only concerns addresses is done together.

    An item that another worker is busy with is left to it; what breaks a batch is
    processed alone, and a batch that is the victim of a deadlock tries again.
    """
    found = [item for item in items if item.source in READERS]
    left = found
    while left:
        given = facts_of(left)
        try:
            alone, later = _process_together(left, given)
        except _DATABASE_IS_AWAY:
            raise
        except Exception:
            as_stored(left)
            same = [item for item in left if item.state == given[item.pk]["state"]]
            alone, later = [(item, _read(item)) for item in same], []
        for item, findings in alone:
            _settle_alone(item, findings)
        left = later
    return found


@retried
def _process_together(
    items: list[InboundItem], given: Given
) -> tuple[list[_Found], list[InboundItem]]:
    """Read and apply items in one transaction, as many as BATCH events are of.

    More would take their locks in more than one run, and two workers could wait for
    each other in a ring. Returns what is to be done one by one, and what is left over.
    """
    restore(items, given)
    alone: list[_Found] = []
    done: list[_Found] = []
    later: list[InboundItem] = []
    events = 0
    for item in _claimed(items):
        if events >= BATCH:
            later.append(item)
            continue
        findings = _read(item)
        if not _is_quiet(item, findings):
            alone.append((item, findings))
        elif done and events + len(findings.events) > BATCH:
            later.append(item)
            events = BATCH
        else:
            done.append((item, findings))
            events += len(findings.events)
    _settle_together(done)
    return alone, later


def _is_quiet(item: InboundItem, findings: Findings) -> bool:
    """Whether an item only concerns addresses, and holds none."""
    kinds = {event.kind for event in findings.events}
    return (
        kinds <= {*QUIET}
        and (item.is_verified or EventKind.COMPLAINT not in kinds)
        and len(findings.events) <= BATCH
        and findings.otherwise != State.HELD
        and item.state in _PLAIN
    )


def _claimed(items: list[InboundItem]) -> list[InboundItem]:
    """The items that nobody else is busy with, locked, as they are in the database."""
    rows = InboundItem.objects.select_for_update(of=("self",), skip_locked=True)
    states = dict(
        rows.filter(pk__in=[item.pk for item in items])
        .order_by("pk")
        .values_list("pk", "state")
    )
    return [item for item in items if states.get(item.pk) == item.state]


def _settle_together(done: list[_Found]) -> None:
    mention(done)
    reports = [report for item, f in done for report in reports_of(f.events, item)]
    applied = zip(reports, _in_slices(reports), strict=True)
    concluded = []
    for item, findings in done:
        results = list(islice(applied, len(findings.events)))
        held = _write_down(item, findings, results)
        if held:
            conclude(item, item.state, note=item.note, held=held)
        else:
            concluded.append(item)
    sql.bulk_update(InboundItem, CONCLUDED, concluded)


def _in_slices(reports: list[Report]) -> list[Applied]:
    applied: list[Applied] = []
    for start in range(0, len(reports), BATCH):
        applied += apply_all(reports[start : start + BATCH])
    return applied


def settle(item: InboundItem, findings: Findings) -> InboundItem:
    """Apply the events of an item and write down what became of it."""
    mention([(item, findings)])
    reports = reports_of(findings.events, item)
    results = list(zip(reports, _in_slices(reports), strict=True))
    was_held = item.state == State.HELD
    held = _write_down(item, findings, results)
    return conclude(item, item.state, note=item.note, held=held, was_held=was_held)


def _write_down(
    item: InboundItem, findings: Findings, results: list[tuple[Report, Applied]]
) -> set[Name]:
    """Set what became of an item; returns the addresses that it holds.

    What found no message keeps its clues, to be found when messages are recorded. What
    is about an erased person is counted, if it has a message, and forgotten.
    """
    erased = [r for r, a in results if a.is_erased]
    others = [(r, a) for r, a in results if not a.is_erased]
    open_ = [r for r, a in others if a.outcome == EventOutcome.UNMATCHED]
    # What waits because its number proves too little is not looked for again.
    late = [r for r, a in others if not (a.match.message or a.match.is_shared)]
    waiting.keep(item, [r for r in late if r in open_ or waiting.is_about_address(r)])
    item.note = storable(findings.note)
    item.decided_by, item.decided_at = "", None
    if not results:
        item.state = findings.otherwise
        is_held = item.state == State.HELD
        return names_of(findings.mentions) if is_held else set()
    if erased:
        names = {(r.event.channel, r.key) for r in erased if r.key}
        item.note = erasure.ERASED if not open_ else item.note
        erasure.forget_item(item, names, is_over=not open_)
    if not open_:
        counted = any(a.outcome != EventOutcome.UNMATCHED for _r, a in results)
        item.state = State.APPLIED if counted else State.IGNORED
        return set()
    held = unproven.held_by(open_, is_held=item.state == State.HELD)
    item.state = State.HELD if held else State.UNMATCHED
    return held


def mention(found: list[_Found]) -> None:
    """Remember which addresses items name."""
    rows = set()
    for item, findings in found:
        named = {
            *((event.channel, event.address) for event in findings.events),
            *findings.mentions,
        }
        rows |= {(item.pk, channel, key) for channel, key in names_of(named)}
    insert_new(InboundMention, _MENTIONED, sorted(rows), key=_MENTIONED)


def process_waiting() -> Iterator[InboundItem]:
    """Read what was stored and not read: after a crash nothing is lost."""
    last = 0
    while batch := _next_new(last):
        last = batch[-1]
        yield from process_all(InboundItem.objects.filter(pk__in=batch).order_by("pk"))


def _next_new(last: int) -> list[int]:
    """The numbers of the next new items: not too many, nor too much to hold."""
    new = InboundItem.objects.filter(state=State.NEW, source__in=list(READERS))
    batch: list[int] = []
    total = 0
    for pk, size in (
        new.filter(pk__gt=last).order_by("pk").values_list("pk", "size")[:BATCH]
    ):
        total += size
        if batch and total > LARGEST_BATCH:
            break
        batch.append(pk)
    return batch
