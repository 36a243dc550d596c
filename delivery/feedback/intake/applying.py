"""The events of reports: matched, kept as evidence, counted once, acted on."""

from dataclasses import dataclass, field, replace
from enum import Enum

from django.db import transaction

from audiences.channels import Channel
from audiences.links import Link
from audiences.sql.once import insert_new
from delivery import deliveries
from delivery.feedback import erasure
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake import effects, telling, unproven
from delivery.feedback.intake.effects import Counted
from delivery.feedback.intake.identity import (
    ABOUT_ADDRESS,
    digest,
    identity,
    moment,
    storable,
)
from delivery.feedback.intake.matching import (
    How,
    Match,
    Report,
    key_of,
    match_all,
    reports_of,
)
from delivery.models import EventKind, InboundItem, Message, MessageEvent

LONGEST_TEXT = 4_000
# Events that are kept and acted on in one transaction.
BATCH = 200

# What a person wants; a provider's signature is enough for the address (decision 0024).
WILLS = (EventKind.COMPLAINT, EventKind.UNSUBSCRIBE)
# What acts on addresses alone, and so on many at once.
QUIET = (
    *(EventKind.FAILED, EventKind.DELAYED, EventKind.DELIVERED),
    EventKind.COMPLAINT,
)
_COLUMNS = (
    *("message_id", "kind", "channel", "key", "domain", "at", "type", "reason"),
    *("status_code", "text", "source", "event_id", "item_id"),
)
_KEY = ("source", "event_id")


class EventOutcome(Enum):
    """What applying an event came to."""

    APPLIED = "applied"
    KNOWN = "known"
    UNMATCHED = "unmatched"


@dataclass(frozen=True)
class Applied:
    """The outcome for one event, and the message that it is about, if one is proved.

    `is_erased`: it is about a person who was erased before it arrived.
    """

    outcome: EventOutcome
    match: Match = field(default_factory=Match)
    is_erased: bool = False


@dataclass(frozen=True)
class _Judged:
    """A report, what it is about, and whether that is proved."""

    report: Report
    match: Match
    link: Link | None
    is_proved: bool
    is_erased: bool = False


def apply(
    event: FeedbackEvent,
    item: InboundItem,
    *,
    message: Message | None = None,
    is_vouched: bool = False,
) -> Applied:
    """Let an event act, once. `message` is an operator's choice; `is_vouched`: an
    operator says that a person's will is one.
    """
    reports = reports_of([event], item)
    chosen = Match(message, How.OPERATOR) if message else None
    if is_vouched and message is None:
        chosen = Match(None, How.OPERATOR)
    return apply_all(reports, chosen=chosen)[0]


def apply_all(reports: list[Report], *, chosen: Match | None = None) -> list[Applied]:
    """Let events act, each once: the one function for everything that comes back.

    An event that proves no message of ours changes nothing. But what recipients want
    (STOP, START, complaints, unsubscribing) also counts for the address itself, where a
    source vouches for it. What only concerns addresses is done in one transaction, in a
    fixed number of statements; what concerns consent has one for each event.
    """
    matches = [chosen] * len(reports) if chosen else match_all(reports)
    applied: dict[int, Applied] = {}
    with transaction.atomic(savepoint=False):
        # First of all: grants are counted under a lock of their own.
        judged = _marked([_judged(r, m) for r, m in zip(reports, matches, strict=True)])
        quiet = [n for n, one in enumerate(judged) if _is_quiet(one)]
        applied |= zip(quiet, _apply([judged[n] for n in quiet]), strict=True)
    for number, one in enumerate(judged):
        if not one.is_proved:
            applied[number] = Applied(
                EventOutcome.UNMATCHED, one.match, is_erased=one.is_erased
            )
        elif number not in applied:
            with transaction.atomic():
                applied[number] = _apply([one])[0]
    return [applied[number] for number in range(len(reports))]


def _marked(judged: list[_Judged]) -> list[_Judged]:
    """The same, knowing which are about somebody who was erased.

    Their message has no address any more; or there is no message, and the address is
    suppressed and nobody's.
    """
    unsaid = {
        (one.report.event.channel, one.report.key)
        for one in judged
        if one.match.message is None and one.report.key
    }
    gone = erasure.of_nobody(unsaid) if unsaid else set()
    return [
        replace(one, is_erased=not one.match.message.address)
        if one.match.message
        else replace(
            one, is_erased=(one.report.event.channel, one.report.key or "") in gone
        )
        for one in judged
    ]


def _is_quiet(one: _Judged) -> bool:
    return one.is_proved and one.report.event.kind in QUIET


def _judged(report: Report, match: Match) -> _Judged:
    event, item = report.event, report.item
    link = _signed_link(event) if match.how != How.OPERATOR else None
    if link:
        match = Match(_message_of(link), How.RETURN_PATH)
    elif match.message:
        link = deliveries.link(match.message.delivery, match.message.profile_id)
    if match.message and _is_unproven(match, item) and not _may_act(event.kind):
        waits = Match(proposals=(match.message,), is_shared=match.is_shared)
        return _Judged(report, waits, None, False)
    is_proved = link is not None
    is_vouched = item.is_verified or match.how == How.OPERATOR
    if event.kind in ABOUT_ADDRESS:
        is_proved = is_vouched
    elif event.kind in WILLS and report.key:
        is_proved |= is_vouched
    return _Judged(report, match, link, is_proved)


def _is_unproven(match: Match, item: InboundItem) -> bool:
    """Whether others than the recipient of the message could have written this."""
    return not item.is_verified and (match.how == How.PERIOD or match.is_shared)


def _may_act(kind: str) -> bool:
    """Whether something unproven may act: never as a person's will."""
    return kind not in WILLS and unproven.grant()


def _signed_link(event: FeedbackEvent) -> Link | None:
    """Who unsubscribes from what, when the mail came to a signed address of ours."""
    if event.kind == EventKind.UNSUBSCRIBE:
        for address in event.clue.return_paths:
            if link := effects.unsubscribe_link(address):
                return link
    return None


def _message_of(link: Link) -> Message | None:
    if link.delivery_id is None:
        return None
    messages = Message.objects.filter(profile_id=link.profile_id)
    return messages.filter(delivery_id=link.delivery_id, channel=link.channel).first()


def _apply(judged: list[_Judged]) -> list[Applied]:
    """Keep proved events and let the new ones act, in the caller's transaction."""
    rows = [_row(one) for one in judged]
    new = _keep(rows)
    effects.act_all(
        [Counted(judged[n].report, rows[n], judged[n].link) for n in sorted(new)]
    )
    telling.tell([rows[n] for n in sorted(new)])
    _keep_late([rows[n] for n in range(len(rows)) if n not in new])
    return [
        Applied(
            EventOutcome.APPLIED if n in new else EventOutcome.KNOWN,
            one.match,
            one.is_erased,
        )
        for n, one in enumerate(judged)
    ]


def _keep(rows: list[MessageEvent]) -> set[int]:
    """Write the events that are not known yet; returns the places of those."""
    places: dict[tuple[str, ...], int] = {}
    for place, row in enumerate(rows):
        places.setdefault((row.source, row.event_id), place)
    written = insert_new(
        MessageEvent,
        _COLUMNS,
        [
            [getattr(rows[place], name) for name in _COLUMNS]
            for _key, place in sorted(places.items())
        ],
        key=_KEY,
    )
    return {places[key] for key in written}


def _keep_late(known: list[MessageEvent]) -> None:
    """Write down which message a will is about that has counted for the address.

    The message was recorded after it arrived. The event itself cannot be changed: a
    second one, which does nothing, belongs to the message.
    """
    late = [row for row in known if row.kind in WILLS and row.message]
    if not late:
        return
    about_address = MessageEvent.objects.filter(
        event_id__in=[row.event_id for row in late], message=None
    ).values_list(*_KEY)
    without = set(about_address)
    _keep([_of_message(row) for row in late if (row.source, row.event_id) in without])


def _of_message(row: MessageEvent) -> MessageEvent:
    row.event_id = digest([row.event_id, row.message_id])
    return row


def _row(one: _Judged) -> MessageEvent:
    event, item, message = one.report.event, one.report.item, one.match.message
    is_vouched = item.is_verified or one.match.how == How.OPERATOR
    # The sender of an unsubscribe mail proves nothing; a provider's report does.
    is_said = is_vouched or event.kind != EventKind.UNSUBSCRIBE
    said = one.report.key if is_said else None
    key = key_of(event.channel, message.address) if message else said
    if one.is_erased:
        key = None
    failed = event.kind == EventKind.FAILED
    is_mail = event.channel == Channel.EMAIL
    return MessageEvent(
        message=message,
        kind=event.kind,
        channel=event.channel,
        key=key,
        domain=key.rpartition("@")[2][:255] if key and is_mail else None,
        at=moment(event, item, message),
        type=event.type if failed else "",
        reason=event.reason if failed else "",
        status_code=storable(event.status_code)[:32],
        text=None if one.is_erased else storable(event.text)[:LONGEST_TEXT],
        source=event.source,
        event_id=identity(event, item, message, key),
        item=item,
    )
