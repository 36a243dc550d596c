"""What the errors of an address and the actions on it come down to: a pure fold.

The order of arrival does not matter: errors and actions are folded in the order of
their own time. Rules (Q3 to Q5):

- an ignored error changes nothing;
- a hard error quarantines at once; a complaint or STOP denylists the address;
- a soft error counts when it is 24 hours or more after the last one that counted; the
  address is erroneous, and quarantined when the count reaches the threshold;
- an erroneous address is valid again after a success, 10 days after its last soft
  error, or 30 when the mailbox was full; the next soft error begins a new count;
- an error never lowers a status; what an operator sets, holds; a list from elsewhere
  raises a status and never lowers it;
- several reports of one message's failure are one failure: after a hard one, further
  ones of the same message change nothing, and so do further complaints about it;
- START takes back every STOP until then, and nothing else;
- an address that is held is on the denylist until its hold is decided, whatever else it
  is; then it is what the rest of the evidence gives;
- a bulk release discounts the errors of an outage, as if they had never come, and makes
  what is then merely erroneous valid.
"""

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from audiences.models import AddressStatus
from delivery.models import (
    AddressError,
    EventKind,
    MessageEvent,
    QuarantineAction,
    QuarantineEntry,
)
from delivery.quarantine.status import ActionKind

BATCH = 1000


Evidence = dict[tuple[str, str], tuple[list[AddressError], list[QuarantineAction]]]


def gather(entries: list[QuarantineEntry]) -> Evidence:
    """The errors, actions and successes of each entry, in three queries."""
    found: Evidence = {(entry.channel, entry.key): ([], []) for entry in entries}
    errors = AddressError.objects.filter(about(entries)).select_related("message")
    for error in errors:
        found[error.channel, error.key][0].append(error)
    for action in QuarantineAction.objects.filter(about(entries)):
        found[action.channel, action.key][1].append(action)
    for success in successes(entries):
        found[success.channel, success.key][1].append(success)
    return found


def successes(entries: list[QuarantineEntry]) -> Iterator[QuarantineAction]:
    """Message events that say that a message reached the address (Q5)."""
    events = MessageEvent.objects.filter(about(entries), kind=EventKind.DELIVERED)
    for channel, key, at in events.values_list("channel", "key", "at"):
        yield QuarantineAction(
            channel=channel,
            key=key or "",
            at=at,
            kind=ActionKind.SUCCESS,
            status=AddressStatus.VALID,
        )


def about(entries: list[QuarantineEntry]) -> Q:
    """The rows about the addresses of the entries."""
    rows = Q(pk__in=[])
    for channel in {entry.channel for entry in entries}:
        keys = [entry.key for entry in entries if entry.channel == channel]
        rows |= Q(channel=channel, key__in=keys)
    return rows


def batches(queryset: QuerySet[QuarantineEntry]) -> Iterator[list[QuarantineEntry]]:
    """The entries in batches by id, so that changing one does not disturb others."""
    last = 0
    while batch := list(queryset.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk
