"""The history of an address as a timeline: its errors and what was decided (Q6)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from delivery.models import AddressError, QuarantineAction, QuarantineEntry

Kind = QuarantineAction.Kind
SHOWN = 100


@dataclass(frozen=True)
class TimelineStep:
    """One thing that happened to an address."""

    at: datetime
    what: str
    is_error: bool
    detail: str
    text: str
    who: str
    delivery: Any = None


def timeline(entry: QuarantineEntry) -> tuple[list[TimelineStep], bool]:
    """The newest steps of an entry's address, and whether there are more."""
    about = {"channel": entry.channel, "key": entry.key}
    errors = AddressError.objects.filter(**about).select_related("message__delivery")
    actions = QuarantineAction.objects.filter(**about)
    steps = [
        *(_error(error) for error in errors[: SHOWN + 1]),
        *(_action(action) for action in actions[: SHOWN + 1]),
    ]
    # An error and a decision of the same moment: the error came first.
    steps.sort(key=lambda step: (step.at, not step.is_error), reverse=True)
    return steps[:SHOWN], len(steps) > SHOWN


def _error(error: AddressError) -> TimelineStep:
    return TimelineStep(
        error.at,
        _("Error: {type}").format(type=error.get_type_display().lower()),
        True,
        error.get_reason_display(),
        error.text,
        error.source,
        error.message.delivery if error.message else None,
    )


def _action(action: QuarantineAction) -> TimelineStep:
    status = action.get_status_display()
    words = {
        Kind.SET: _("Set to {status}"),
        Kind.RAISE: _("Raised to {status} by a list"),
        Kind.DISCOUNT: _("Released: the errors of an outage do not count"),
        Kind.SUCCESS: _("A message was delivered"),
        Kind.START: _("START: the person wants messages again"),
        Kind.HOLD: _("Held until somebody decides"),
        Kind.DECIDE: _("Hold ended"),
    }
    detail = (
        action.get_reason_display() if action.kind in (Kind.SET, Kind.RAISE) else ""
    )
    return TimelineStep(
        action.at,
        words[Kind(action.kind)].format(status=status),
        False,
        detail,
        action.text,
        action.actor or action.source,
    )
