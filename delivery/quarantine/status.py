"""What the errors of an address and the actions on it come down to: a pure fold.

The order of arrival does not matter but for one thing: a decision of an operator
discounts what was known when it was made, and nothing else (`order`). Rules (Q3 to Q5):

- an ignored error changes nothing;
- a hard error quarantines at once; a complaint or STOP denylists the address;
- a soft error counts when it is 24 hours or more after the last one that counted; the
  address is erroneous, and quarantined when the count reaches the threshold;
- an erroneous address is valid again after a success, 10 days after its last soft
  error, or 30 when the mailbox was full; the next soft error begins a new count;
- an error never lowers a status; what an operator sets, holds; a list from elsewhere
  raises a status and never lowers it;
- several reports of one message's failure are one failure: after a hard one, further
  ones of the same message change nothing, and so do further complaints about it, until
  an operator has decided;
- START takes back every STOP until then, and nothing else;
- an address that is held is on the denylist until its hold is decided, whatever else it
  is; then it is what the rest of the evidence gives;
- a bulk release discounts the errors of an outage, as if they had never come, and makes
  what is then merely erroneous valid;
- a decision that is undone is taken out, and the rest of the evidence decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from audiences.models import AddressStatus
from delivery.models import AddressError, QuarantineAction
from delivery.models.quarantine import ErrorReason, ErrorType

from .order import DENYLISTING, ActionKind, Step, in_force, in_order, open_hold

DISCOUNTING = (ActionKind.DISCOUNT, ActionKind.START)
# Actions that do nothing at their own moment, but change how the rest is read.
BESIDE = (ActionKind.START, ActionKind.HOLD, ActionKind.DECIDE)


def rank(status: str) -> int:
    """How grave a status is; an error never lowers it."""
    return ["valid", "erroneous", "quarantine", "denylisted"].index(status)


@dataclass(frozen=True, kw_only=True)
class EntryState:
    """The fields of a quarantine entry, as the evidence gives them."""

    status: str = AddressStatus.VALID
    reason: str = ""
    type: str = ""
    error_count: int = 0
    first_error_at: datetime | None = None
    last_error_at: datetime | None = None
    text: str = ""
    last_delivery_id: int | None = None
    releases_at: datetime | None = None
    last_counted_at: datetime | None = None
    # Whether an operator, and not an error, keeps messages from the address.
    is_decided: bool = False

    def fields(self) -> dict[str, Any]:
        """What the entry stores."""
        return {name: getattr(self, name) for name in STORED}


_NOT_STORED = ("last_counted_at", "is_decided")
STORED = [field.name for field in fields(EntryState) if field.name not in _NOT_STORED]
VALID = EntryState()


def fold(
    errors: Iterable[AddressError], actions: Iterable[QuarantineAction] = ()
) -> EntryState:
    """The state of one address after all its errors and actions.

    The state is not aged beyond the last of them; `aged` does that.
    """
    actions = in_force(actions)
    discounts = [action for action in actions if action.kind in DISCOUNTING]
    state = VALID
    told: set[tuple[int, bool, int]] = set()
    for step in in_order(errors, actions):
        what = step.what
        if not isinstance(what, AddressError):
            state = _after_action(state, what)
            continue
        is_discounted = any(_is_discounted(what, discount) for discount in discounts)
        if not is_discounted and not _is_told_already(step, what, told):
            state = _after_error(state, what)
    hold = open_hold(actions)
    return _held(state, hold) if hold else state


def _held(state: EntryState, hold: QuarantineAction) -> EntryState:
    if state.status == AddressStatus.DENYLISTED:
        return state
    return replace(
        state,
        status=AddressStatus.DENYLISTED,
        reason=ErrorReason.STOP,
        text=hold.text,
        releases_at=None,
    )


def _is_told_already(
    step: Step, error: AddressError, told: set[tuple[int, bool, int]]
) -> bool:
    """Whether an earlier error is about the same failure, or complaint, of a message.

    A message fails once, however many reports say so. Hard errors are kept in `told`.
    A complaint or STOP that is reported after a decision is news, whatever it is about.
    """
    if error.message_id is None or error.type == ErrorType.IGNORED:
        return False
    denies = error.reason in DENYLISTING
    fact = (error.message_id, denies, step.decisions if denies else 0)
    if fact in told:
        return True
    if error.type == ErrorType.HARD or denies:
        told.add(fact)
    return False


def _is_discounted(error: AddressError, discount: Any) -> bool:
    """Whether the error has the text and the time of the outage.

    A complaint or STOP never belongs to an outage, whatever its text. START discounts
    the STOPs before it.
    """
    if discount.kind == ActionKind.START:
        return error.reason == ErrorReason.STOP and error.at <= discount.at
    return (
        error.reason not in DENYLISTING
        and discount.text.casefold() in error.text.casefold()
        and discount.first_error_at <= error.at <= discount.last_error_at
    )


def aged(state: EntryState, now: datetime) -> EntryState:
    """The state at a later moment: erroneous addresses become valid by time (Q5)."""
    due = state.releases_at is not None and state.releases_at <= now
    return VALID if due else state


def _after_error(state: EntryState, error: AddressError) -> EntryState:
    if error.type == ErrorType.IGNORED:
        return state
    state = aged(state, error.at)
    state = replace(
        state,
        first_error_at=min(state.first_error_at or error.at, error.at),
        last_error_at=_later(state.last_error_at, error.at),
        last_delivery_id=(
            error.message.delivery_id if error.message else state.last_delivery_id
        ),
    )
    if error.reason in DENYLISTING:
        return _decided(state, error, AddressStatus.DENYLISTED, counts=True)
    if error.type == ErrorType.HARD:
        return _decided(state, error, AddressStatus.QUARANTINE, counts=True)
    interval = timedelta(hours=settings.QUARANTINE_SOFT_INTERVAL_HOURS)
    counts = not state.last_counted_at or error.at - state.last_counted_at >= interval
    if counts:
        state = replace(state, last_counted_at=error.at)
    reached = counts and state.error_count + 1 >= settings.QUARANTINE_SOFT_THRESHOLD
    status = AddressStatus.QUARANTINE if reached else AddressStatus.ERRONEOUS
    return _decided(state, error, status, counts=counts)


def _decided(
    state: EntryState, error: AddressError, status: AddressStatus, *, counts: bool
) -> EntryState:
    """Count the error; let it decide status, reason and text if it weighs enough.

    A soft error does not replace the reason of an address that is in quarantine; one
    that does not count replaces nothing and never brings the release nearer. What an
    operator decided stays decided until an error is graver.
    """
    release = _release_date(status, error.reason, error.at)
    state = replace(state, error_count=state.error_count + counts)
    present = rank(state.status)
    if rank(status) < present or (
        present >= rank(AddressStatus.QUARANTINE)
        and error.type == ErrorType.SOFT
        and rank(status) == present
    ):
        return state
    if not counts and state.status == status:
        return replace(state, releases_at=_later(state.releases_at, release))
    return replace(
        state,
        status=status,
        reason=error.reason,
        type=error.type,
        text=error.text,
        releases_at=release,
        is_decided=state.is_decided and rank(status) == present,
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def _with_count_of(state: EntryState, action: QuarantineAction) -> EntryState:
    """A list with more errors of an erroneous address than we know of."""
    if state.status != AddressStatus.ERRONEOUS or action.status != state.status:
        return state
    since = action.last_error_at or action.at
    return replace(
        state,
        error_count=max(state.error_count, action.error_count),
        last_counted_at=_later(state.last_counted_at, action.last_error_at),
        releases_at=_later(
            state.releases_at, _release_date(action.status, action.reason, since)
        ),
    )


def _release_date(status: str, reason: str, at: datetime) -> datetime | None:
    """When an erroneous address becomes valid again; None: never, or past 9999."""
    if status != AddressStatus.ERRONEOUS:
        return None
    days = settings.QUARANTINE_RELEASE_DAYS
    if reason == ErrorReason.MAILBOX_FULL:
        days = settings.QUARANTINE_MAILBOX_FULL_DAYS
    try:
        return at + timedelta(days=days)
    except OverflowError:
        return None


def _after_action(state: EntryState, action: QuarantineAction) -> EntryState:
    state = aged(state, action.at)
    if action.kind in (ActionKind.SUCCESS, ActionKind.DISCOUNT):
        return VALID if state.status == AddressStatus.ERRONEOUS else state
    if action.kind in BESIDE:
        return state
    if action.kind == ActionKind.RAISE and rank(action.status) <= rank(state.status):
        return _with_count_of(state, action)
    if action.status == AddressStatus.VALID:
        return VALID
    return replace(
        state,
        status=action.status,
        reason=action.reason,
        type=action.type,
        text=action.text,
        error_count=action.error_count or state.error_count,
        first_error_at=action.first_error_at or state.first_error_at,
        last_error_at=action.last_error_at or state.last_error_at,
        last_counted_at=action.last_error_at or state.last_counted_at,
        releases_at=_release_date(
            action.status, action.reason, action.last_error_at or action.at
        ),
        is_decided=_is_decision(action),
    )


def _is_decision(action: QuarantineAction) -> bool:
    """Whether a person wants nothing sent there, rather than a list of errors."""
    if rank(action.status) < rank(AddressStatus.QUARANTINE):
        return False
    if action.kind == ActionKind.RAISE:
        return action.reason == ErrorReason.OPERATOR
    return action.reason not in DENYLISTING
