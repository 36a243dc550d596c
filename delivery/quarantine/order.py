"""In which order the evidence of an address counts, whatever the order of its arrival.

- Between two decisions of an operator, errors and deliveries count in the order of
  their own time.
- A decision (a status that was set) follows what was known when it was made. What was
  recorded later comes after it, however early it is dated: nobody decided about that.
- Of the same moment: errors first, the mildest first, so that the gravest decides; then
  deliveries, lists, discounts. Errors that are equally grave are told apart by what
  they say, never by their number.

A decision that was undone counts for nothing, as if it had never been made.

Decisions are numbered while their address is locked: for them, and for nothing else,
the number is the order in which they were made.
"""

from collections.abc import Iterable
from datetime import datetime
from math import inf
from typing import Any, NamedTuple

from delivery.models import AddressError, QuarantineAction
from delivery.models.quarantine import ErrorReason, ErrorType

ActionKind = QuarantineAction.Kind
DENYLISTING = (ErrorReason.COMPLAINT, ErrorReason.STOP)
_GRAVITY = [ErrorType.IGNORED, ErrorType.SOFT, ErrorType.HARD]
_KINDS = [*(k for k in ActionKind if k != ActionKind.SET), ActionKind.SET]


class Step(NamedTuple):
    """One thing that happened, and how many decisions were made before it counts."""

    decisions: int
    what: AddressError | QuarantineAction


def in_order(
    errors: Iterable[AddressError], actions: Iterable[QuarantineAction]
) -> list[Step]:
    """The evidence of one address in the order in which it counts."""
    actions = list(actions)
    decided = sorted((a for a in actions if a.kind == ActionKind.SET), key=_made)
    steps = [
        *(Step(sum(not knew(d, e) for d in decided), e) for e in errors),
        *(
            Step(sum(d.at < action.at for d in decided), action)
            for action in actions
            if action.kind != ActionKind.SET
        ),
        *(Step(number, decision) for number, decision in enumerate(decided)),
    ]
    return sorted(steps, key=_place)


def in_force(actions: Iterable[QuarantineAction]) -> list[QuarantineAction]:
    """The actions without the decisions that were undone, and without the undoings."""
    actions = list(actions)
    undone = {a.act_id for a in actions if a.kind == ActionKind.UNDO}
    return [
        action
        for action in actions
        if action.kind != ActionKind.UNDO
        and not (action.kind == ActionKind.SET and action.act_id in undone)
    ]


def knew(decision: QuarantineAction, error: AddressError) -> bool:
    """Whether an error was on record when a decision was made.

    Of what was recorded before that was kept with each decision, its time tells.
    """
    number = error.pk or 0
    return number <= decision.known_error_id and error.at <= decision.at


def open_hold(actions: Iterable[QuarantineAction]) -> QuarantineAction | None:
    """The first undecided hold.

    Each hold has a text of its own. It ends when it is decided; when an operator sets
    the status after it was recorded; and by a START that the person sent after it.
    """
    actions = list(actions)
    decided = {a.text for a in actions if a.kind == ActionKind.DECIDE}
    held = [
        hold
        for hold in actions
        if hold.kind == ActionKind.HOLD
        and hold.text not in decided
        and not any(_ends(action, hold) for action in actions)
    ]
    return min(held, key=lambda hold: (hold.at, hold.text), default=None)


def _ends(action: QuarantineAction, hold: QuarantineAction) -> bool:
    if action.kind == ActionKind.START:
        return action.at >= hold.at
    is_decision = action.kind == ActionKind.SET
    if not is_decision or action.reason != ErrorReason.OPERATOR:
        return False
    return (hold.pk or 0) < (action.pk or inf) and hold.at <= action.at


def _made(decision: QuarantineAction) -> tuple[datetime, float]:
    return decision.at, decision.pk or inf


def _place(step: Step) -> tuple[Any, ...]:
    what = step.what
    if isinstance(what, AddressError):
        return (step.decisions, False, what.at, 0, *_said_by_error(what))
    is_decision = what.kind == ActionKind.SET
    said = (_KINDS.index(ActionKind(what.kind)), str(what.status), str(what.reason))
    facts = (what.text, what.error_count, _seconds(what.first_error_at))
    return (
        *(step.decisions, is_decision, what.at, 1, *said, *facts),
        *(_seconds(what.last_error_at), what.type),
    )


def _said_by_error(error: AddressError) -> tuple[Any, ...]:
    """What tells errors of one moment apart: the graver ones last."""
    gravity = _GRAVITY.index(ErrorType(error.type))
    if error.reason in DENYLISTING and gravity:
        gravity = len(_GRAVITY)
    about = (error.message_id or 0, error.source or "", error.event_id or "")
    return (gravity, str(error.reason), error.text, *about)


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0
