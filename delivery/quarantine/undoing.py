"""Taking back that an operator put people's addresses in quarantine.

The decision is taken out of the evidence, as if it had never been made: what is on
record besides decides about the address. So an error, a complaint, a STOP, a list or a
decision that came since keeps it where it is, and an address that was erroneous before
is so again. Of somebody who has several addresses, each is judged by itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from audiences.consent import Origin
from audiences.models import Address, AddressStatus, BulkAct
from audiences.selections.reversals import (
    HISTORY_KEEPS_BOTH,
    RESTRICTED_STAYS,
    Marks,
    Reverse,
)
from audiences.sql.many import among
from delivery.models import QuarantineAction, QuarantineEntry
from delivery.roles import RELEASE

from .entries import lock_existing, place, recompute
from .names import Name, about
from .order import ActionKind

BLOCKED = (AddressStatus.QUARANTINE, AddressStatus.DENYLISTED)


def _owners(ids: Sequence[int]) -> dict[Name, set[int]]:
    """Who of these people has which address now."""
    rows = Address.objects.filter(among("profile_id", ids), is_valid=True)
    found: dict[Name, set[int]] = defaultdict(set)
    for channel, key, profile in rows.values_list("channel", "key", "profile_id"):
        found[channel, key].add(profile)
    return found


def decided_by(act: BulkAct, ids: Sequence[int]) -> set[Name]:
    """The addresses of these people that a change decided about."""
    return set(_of(act, _owners(ids)))


def _of(act: BulkAct, names: Iterable[Name]) -> dict[Name, int]:
    """The number of what the change decided about each of these addresses."""
    rows = QuarantineAction.objects.filter(about(names), act_id=act.pk)
    decided = rows.filter(kind=ActionKind.SET).order_by()
    numbers = decided.values_list("channel", "key").annotate(last=Max("pk"))
    return {(channel, key): last for channel, key, last in numbers}


def watch(act: BulkAct, ids: Sequence[int]) -> Callable[[], Marks]:
    """Whom a chunk changes: who has an address that it decided about."""

    def marks() -> Marks:
        owners = _owners(ids)
        last: dict[int, int] = {}
        for name, number in _of(act, owners).items():
            for profile in owners[name]:
                last[profile] = max(number, last.get(profile, 0))
        return sorted(last.items())

    return marks


def take_back(act: BulkAct, ids: Sequence[int], by: Origin) -> Iterable[int]:
    """Take the decisions out; returns who has an address that stays, or none of them.

    In a fixed number of statements. The caller is in a transaction and has locked the
    profiles.
    """
    owners = _owners(ids)
    decided = _of(act, owners)
    rows = QuarantineEntry.objects.filter(about(decided))
    entries = {(entry.channel, entry.key): entry for entry in lock_existing(rows)}
    undone = set(
        QuarantineAction.objects.filter(
            about(decided), kind=ActionKind.UNDO, act_id=act.pk
        ).values_list("channel", "key")
    )
    held = [
        entry
        for name, entry in entries.items()
        if name not in undone and entry.status in BLOCKED
    ]
    undoings = [_undoing(act, entry, by) for entry in held]
    place(undoings)
    QuarantineAction.objects.bulk_create(undoings)
    recompute(*held)
    undone |= {(entry.channel, entry.key) for entry in held}
    open_ = {name for name in undone if entries[name].status not in BLOCKED}
    done = {profile for name in open_ for profile in owners[name]}
    stays = {profile for name in set(decided) - open_ for profile in owners[name]}
    return (set(ids) - done) | stays


def _undoing(act: BulkAct, entry: QuarantineEntry, by: Origin) -> QuarantineAction:
    return QuarantineAction(
        channel=entry.channel,
        key=entry.key,
        kind=ActionKind.UNDO,
        status=AddressStatus.VALID,
        text=by.note,
        actor=by.actor,
        source=by.source,
        act_id=act.pk,
    )


REVERSE = Reverse(
    RELEASE,
    watch,
    take_back,
    (
        _(
            "An address that failed since, or about which somebody complained, wrote "
            "STOP or decided since, stays where it is, and its owner is named."
        ),
        RESTRICTED_STAYS,
        HISTORY_KEEPS_BOTH,
    ),
)
