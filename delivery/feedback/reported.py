"""What programs report about messages: kept as it came, then read like all else.

Whoever holds a key is trusted as a provider that signs its calls: a report is about the
message whose number it gives, else about the newest one to the address.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from django.utils import timezone

from audiences.channels import Channel
from audiences.refusals import Refused
from delivery.feedback import intake
from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.feedback.intake import Arrived, Findings
from delivery.models import InboundItem
from delivery.models.quarantine import ErrorReason, ErrorType

SOURCE = "api"


class OtherEvent(Refused):
    """The number of an event that said something else: it would be lost."""


@dataclass(frozen=True, kw_only=True)
class Reported:
    """An event of a message, as a program says it; `source` is what histories call it.

    `event_id` is the program's own number of it: the same one counts once.
    """

    source: str
    kind: str
    channel: str
    address: str = ""
    message_id: str = ""
    provider_id: str = ""
    at: datetime | None = None
    type: str = ErrorType.IGNORED
    reason: str = ErrorReason.NOT_DEFINED
    status_code: str = ""
    text: str = ""
    event_id: str = ""


@dataclass(frozen=True)
class Taken:
    """What became of a report: the state of its item, or why there is none."""

    state: str = ""
    is_new: bool = False
    problem: Refused | None = None


def take_in(reports: Sequence[Reported]) -> list[Taken]:
    """Keep reports and let what they say act, each once, in the caller's transaction.

    What is about no message that is known yet waits for it, or for a human.
    """
    now = timezone.now()
    arrived = [_arrived(one if one.event_id else _at(one, now)) for one in reports]
    kept = intake.receive_all(SOURCE, arrived)
    read = {item.pk: item for item, is_new in kept if is_new}
    intake.process_all(read.values())
    return [
        _taken(read.get(item.pk, item), is_new, call, report)
        for (item, is_new), call, report in zip(kept, arrived, reports, strict=True)
    ]


def _at(report: Reported, now: datetime) -> Reported:
    """Without number and moment, what is said again later is something else."""
    return replace(report, at=report.at or now)


def _taken(item: InboundItem, is_new: bool, call: Arrived, report: Reported) -> Taken:
    raw = bytes(item.raw)
    if raw and raw != call.raw:
        text = f"The event {report.event_id!r} was reported before, and said otherwise."
        return Taken(problem=OtherEvent(text))
    return Taken(item.state, is_new)


def _arrived(report: Reported) -> Arrived:
    facts = {name: value for name, value in asdict(report).items() if value}
    number = f"{report.source} {report.event_id}" if report.event_id else ""
    raw = json.dumps(facts, default=datetime.isoformat, sort_keys=True)
    return Arrived(number, report.channel, raw.encode())


def read(item: InboundItem) -> Findings:
    """The event that a report says."""
    facts = json.loads(bytes(item.raw))
    number = facts.get("message_id", "").strip("<> ")
    clue = MessageClue(
        message_ids=(number,) if number else (),
        provider_id=facts.get("provider_id", ""),
    )
    at = facts.get("at")
    event = FeedbackEvent(
        kind=EventKind(facts["kind"]),
        channel=Channel(facts["channel"]),
        address=facts.get("address", ""),
        source=facts["source"],
        type=ErrorType(facts["type"]),
        reason=ErrorReason(facts["reason"]),
        status_code=facts.get("status_code", ""),
        text=facts.get("text", ""),
        at=datetime.fromisoformat(at) if at else None,
        event_id=facts.get("event_id", ""),
        clue=clue,
    )
    return Findings(events=(event,))


def register() -> None:
    """Let the intake read what programs report."""
    intake.register(SOURCE, read)
