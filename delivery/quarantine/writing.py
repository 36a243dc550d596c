"""Quarantine of addresses: the only writer of entries, evidence and copies.

An entry belongs to an address, whoever has it and whether anybody has it (Q1). It is
computed from its evidence (`delivery.evidence`); what changes evidence also rewrites
the entry and the copies beside the addresses, in one transaction.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, Max, Model, OuterRef, QuerySet, Subquery
from django.utils import timezone

from audiences.addresses import books as addresses
from audiences.models import Address, AddressStatus
from audiences.refusals import Refused
from audiences.sql import statements as bulk_sql
from delivery.models import (
    AddressError,
    Message,
    QuarantineAction,
    QuarantineEntry,
)
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.quarantine.evidence import (
    DENYLISTING,
    STORED,
    VALID,
    ActionKind,
    EntryState,
    about,
    batches,
    fold,
    gather,
    open_hold,
    rank,
    successes,
)

# What a bulk release may touch.
RELEASABLE = (AddressStatus.ERRONEOUS, AddressStatus.QUARANTINE)


def record(
    channel: str,
    address: str,
    *,
    type: str,
    source: str,
    reason: str = ErrorReason.NOT_DEFINED,
    at: datetime | None = None,
    text: str = "",
    message: Message | None = None,
    event_id: str | None = None,
) -> QuarantineEntry | None:
    """Keep an error as evidence and bring the entry up to date (Q3, Q4).

    Returns the entry; None when the address has none, as after an ignored error. The
    same `event_id` of a source counts once. Raises InvalidAddress, and Refused for a
    moment outside the calendar.
    """
    key = _key(channel, address)
    error = AddressError(
        channel=channel,
        key=key,
        at=in_calendar(at or timezone.now()),
        type=ErrorType(type),
        reason=ErrorReason(reason),
        text=text.replace("\0", ""),  # PostgreSQL keeps no NUL
        message=message,
        source=source,
        event_id=event_id,
    )
    with transaction.atomic():
        if type == ErrorType.IGNORED:
            _keep(error)
            return entry_of(channel, key)
        entry = _locked_entry(channel, key)
        if _keep(error):
            _recompute(entry)
        return entry


def _key(channel: str, address: str) -> str:
    """The key of an address that somebody named; the refusal says which address."""
    try:
        return addresses.normalise(channel, address).key
    except addresses.InvalidAddress as error:
        raise addresses.InvalidAddress(
            f"{address!r} is not an address for {channel}: {error}"
        ) from error


def in_calendar(at: datetime) -> datetime:
    """The moment in UTC; raises Refused where that is before year 1 or past 9999."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise Refused(f"{at.isoformat()} is outside the calendar.") from error


def _keep(error: AddressError) -> bool:
    """Write the error unless its event is known; returns whether it is new."""
    if error.event_id is None:
        error.save(force_insert=True)
        return True
    fields = (*_EVIDENCE_FIELDS, "message")
    _row, is_new = AddressError.objects.get_or_create(
        source=error.source,
        event_id=error.event_id,
        defaults={name: getattr(error, name) for name in fields},
    )
    return is_new


_EVIDENCE_FIELDS = ("channel", "key", "at", "type", "reason", "text")


def set_status(
    channel: str,
    address: str,
    status: str,
    *,
    source: str,
    reason: str = ErrorReason.OPERATOR,
    text: str = "",
    actor: str = "",
) -> QuarantineEntry:
    """An operator decides the status; "valid" releases, also from the denylist (Q6).

    Raises InvalidAddress.
    """
    key = _key(channel, address)
    with transaction.atomic():
        entry = _locked_entry(channel, key)
        QuarantineAction.objects.create(
            channel=channel,
            key=key,
            at=_after_all(channel, key),
            kind=QuarantineAction.Kind.SET,
            status=AddressStatus(status),
            reason=ErrorReason(reason),
            text=text,
            actor=actor,
            source=source,
        )
        _recompute(entry)
    return entry


def _after_all(channel: str, key: str) -> datetime:
    """Now, or the latest error when a wrong clock has dated it in the future."""
    errors = AddressError.objects.filter(channel=channel, key=key)
    latest: datetime | None = errors.aggregate(at=Max("at"))["at"]
    now = timezone.now()
    return max(now, latest) if latest else now


def raise_statuses(actions: list[QuarantineAction], *, dry_run: bool = False) -> int:
    """Apply actions that set a status, except where they would not raise it.

    For lists from elsewhere. Set-based: the number of statements does not depend on
    the number of actions. Of several for one address the gravest counts, of equally
    grave ones the first. Returns how many entries changed; the caller is in a
    transaction.
    """
    wanted: dict[tuple[str, str], QuarantineAction] = {}
    for action in actions:
        held = wanted.setdefault((action.channel, action.key), action)
        if rank(action.status) > rank(held.status):
            wanted[action.channel, action.key] = action
    # In one order, or two lists at the same moment would wait for each other.
    names = sorted(wanted)
    rows = [QuarantineEntry(channel=c, key=k, status="valid") for c, k in names]
    present = {(e.channel, e.key): e for e in _lock_all(rows, create=not dry_run)}
    raising = []
    for name, action in wanted.items():
        entry = present.get(name)
        status = entry.status if entry else AddressStatus.VALID
        if rank(action.status) > rank(status):
            action.at = timezone.now()
            raising.append(action)
    if raising and not dry_run:
        QuarantineAction.objects.bulk_create(raising)
        _recompute_all([present[a.channel, a.key] for a in raising])
    return len(raising)


def _lock_all(rows: list[QuarantineEntry], *, create: bool) -> list[QuarantineEntry]:
    if create:
        QuarantineEntry.objects.bulk_create(rows, ignore_conflicts=True)
    locked = QuarantineEntry.objects.select_for_update(of=("self",)).order_by("pk")
    return list(locked.filter(about(rows)))


def _recompute_all(entries: list[QuarantineEntry]) -> None:
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    evidence = gather(entries)
    for entry in entries:
        state = fold(*evidence[entry.channel, entry.key])
        for name, value in state.fields().items():
            setattr(entry, name, value)
        keys[entry.channel, state.status].append(entry.key)
    bulk_sql.bulk_update(QuarantineEntry, STORED, entries)
    for (channel, status), changed in keys.items():
        _copy_status(channel, changed, status)


def delivered(channel: str, key: str) -> None:
    """A message event says that a message reached the address (Q5).

    The event is the evidence, whenever it arrives; the caller has written it in this
    transaction. An address without an entry needs none.
    """
    with transaction.atomic():
        _hold(channel, key)
        rows = QuarantineEntry.objects.select_for_update(of=("self",))
        entry = rows.filter(channel=channel, key=key).first()
        if entry:
            _recompute(entry)


def start(channel: str, address: str, *, at: datetime, source: str, text: str) -> None:
    """The recipient texted START: take back what their STOP did, and it alone.

    Every STOP until then is discounted, whichever of the two arrives first. Other
    errors, complaints and what operators decided stay. Raises InvalidAddress.
    """
    key = _key(channel, address)
    with transaction.atomic():
        entry = _locked_entry(channel, key)
        QuarantineAction.objects.create(
            channel=channel,
            key=key,
            at=in_calendar(at),
            kind=QuarantineAction.Kind.START,
            status=AddressStatus.VALID,
            reason=ErrorReason.STOP,
            text=text,
            source=source,
        )
        _recompute(entry)


def delete(entry: QuarantineEntry, *, source: str, actor: str = "") -> None:
    """Release an entry and remove it from the list; its evidence stays (Q6)."""
    with transaction.atomic():
        _locked_entry(entry.channel, entry.key)
        QuarantineAction.objects.create(
            channel=entry.channel,
            key=entry.key,
            at=_after_all(entry.channel, entry.key),
            kind=QuarantineAction.Kind.SET,
            status=AddressStatus.VALID,
            text="deleted",
            actor=actor,
            source=source,
        )
        _copy_status(entry.channel, [entry.key], AddressStatus.VALID)
        QuarantineEntry.objects.filter(channel=entry.channel, key=entry.key).delete()


def entry_of(channel: str, key: str) -> QuarantineEntry | None:
    return QuarantineEntry.objects.filter(channel=channel, key=key).first()


def _hold(channel: str, key: str) -> None:
    """Let nobody else write about this address until the transaction ends.

    An entry that does not exist yet cannot be locked; its name can.
    """
    bulk_sql.hold(f"quarantine:{channel}:{key}")


def _locked_entry(channel: str, key: str) -> QuarantineEntry:
    _hold(channel, key)
    QuarantineEntry.objects.get_or_create(
        channel=channel, key=key, defaults={"status": AddressStatus.VALID}
    )
    rows = QuarantineEntry.objects.select_for_update(of=("self",))
    return rows.get(channel=channel, key=key)


def _recompute(entry: QuarantineEntry) -> None:
    row = {"channel": entry.channel, "key": entry.key}
    state = fold(
        AddressError.objects.filter(**row).select_related("message"),
        [*QuarantineAction.objects.filter(**row), *successes([entry])],
    )
    _store(entry, state)
    _copy_status(entry.channel, [entry.key], state.status)


def _store(entry: QuarantineEntry, state: EntryState) -> None:
    for name, value in state.fields().items():
        setattr(entry, name, value)
    entry.save()


def _copy_status(channel: str, keys: list[str], status: str) -> None:
    """Copy a status to the addresses, now and for those attached at this moment.

    A transaction that attaches an address and one that changes its entry do not see
    each other's rows. So both look again after they commit: the later one sees all.
    """
    Address.objects.filter(channel=channel, key__in=keys, is_valid=True).exclude(
        quarantine_status=status
    ).update(quarantine_status=status)
    if connection.features.has_select_for_update:  # SQLite has one writer at a time
        transaction.on_commit(lambda: _copy_again(channel, keys))


def _copy_again(channel: str, keys: list[str]) -> None:
    held = Address.objects.filter(channel=channel, key__in=keys)
    _mark(held.filter(quarantine_status=AddressStatus.VALID))


def mark_attached_addresses(
    sender: object, addresses: QuerySet[Address], **kwargs: Any
) -> None:
    """Listener of `addresses_attached`: copy the status of entries that exist already.

    An address that cannot be delivered to takes no part in quarantine.
    """
    _mark(addresses)
    addresses.filter(is_valid=False).exclude(
        quarantine_status=AddressStatus.VALID
    ).update(quarantine_status=AddressStatus.VALID)
    if connection.features.has_select_for_update:  # see _copy_status
        transaction.on_commit(lambda: _mark(addresses))


def stop_address(
    sender: object, channel: str, key: str, source: str, text: str, **kwargs: Any
) -> None:
    """Listener of `address_stop_requested`: put the address on the denylist (P4).

    Also one that is merely held: a hold ends.
    """
    entry = entry_of(channel, key)
    denied = entry is not None and entry.status == AddressStatus.DENYLISTED
    if not denied or _hold_of(channel, key):
        set_status(
            channel,
            key,
            AddressStatus.DENYLISTED,
            source=source,
            reason=ErrorReason.STOP,
            text=text,
        )


def withdraw_stop(
    sender: object, channel: str, key: str, source: str, text: str, **kwargs: Any
) -> None:
    """Listener of `address_stop_withdrawn`: release what that stop, and it alone, did.

    An address that was on the denylist before, or about which somebody has decided
    since, stays as it is.
    """
    actions = QuarantineAction.objects.filter(channel=channel, key=key)
    last = actions.order_by("-id").first()
    if last is None or AddressError.objects.filter(
        channel=channel, key=key, reason__in=DENYLISTING, at__gte=last.at
    ):
        return
    if (last.status, last.reason, last.text) == (
        AddressStatus.DENYLISTED,
        ErrorReason.STOP,
        text,
    ):
        set_status(
            channel,
            key,
            AddressStatus.VALID,
            source=source,
            reason=ErrorReason.STOP,
            text=text,
        )


def hold(channel: str, address: str, *, at: datetime, source: str, text: str) -> None:
    """Deny the address until somebody decides (`end_hold`) about what it said.

    `text` names what is to be decided, one for each hold; the same holds once. Raises
    InvalidAddress.
    """
    _beside(channel, address, ActionKind.HOLD, at=at, source=source, text=text)


def end_hold(
    channel: str, address: str, *, source: str, text: str, actor: str = ""
) -> None:
    """Somebody has decided: the address is again what the rest of its evidence gives.

    Nothing happens when there is no such hold. Raises InvalidAddress.
    """
    now = timezone.now()
    _beside(
        channel, address, ActionKind.DECIDE, at=now, source=source, text=text, by=actor
    )


def _beside(
    channel: str,
    address: str,
    kind: ActionKind,
    *,
    at: datetime,
    source: str,
    text: str,
    by: str = "",
) -> None:
    key = _key(channel, address)
    row = {"channel": channel, "key": key, "kind": kind, "text": text}
    with transaction.atomic():
        entry = _locked_entry(channel, key)
        raised = kind == ActionKind.HOLD
        if QuarantineAction.objects.filter(**row).exists():
            return
        if not raised and not QuarantineAction.objects.filter(
            **{**row, "kind": ActionKind.HOLD}
        ):
            return
        QuarantineAction.objects.create(
            **row,
            at=in_calendar(at),
            status=AddressStatus.DENYLISTED if raised else AddressStatus.VALID,
            reason=ErrorReason.STOP,
            actor=by,
            source=source,
        )
        _recompute(entry)


def _hold_of(channel: str, key: str) -> QuarantineAction | None:
    rows = QuarantineAction.objects.filter(channel=channel, key=key)
    return open_hold(rows.order_by("at", "pk"))


def forbid_denylisted(sender: object, channel: str, key: str, **kwargs: Any) -> bool:
    """Listener of `mail_to_be_sent`: nothing goes to an address on the denylist.

    An address in quarantine for errors may get what its owner has just asked for.
    """
    return QuarantineEntry.objects.filter(
        channel=channel, key=key, status=AddressStatus.DENYLISTED
    ).exists()


def _mark(addresses: QuerySet[Address]) -> None:
    entries = QuarantineEntry.objects.filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    ).exclude(status=AddressStatus.VALID)
    addresses.filter(Exists(entries), is_valid=True).update(
        quarantine_status=Subquery(entries.values("status")[:1])
    )


@dataclass
class BulkRelease:
    """What a bulk release did, or would do: keys released, and keys kept and why."""

    released: list[tuple[str, str]] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)


def release_matching(
    text: str,
    start: datetime,
    end: datetime,
    *,
    source: str,
    channel: str | None = None,
    actor: str = "",
    dry_run: bool = False,
) -> BulkRelease:
    """Release the addresses that errors of one outage put into quarantine (Q6).

    Those with an error in the period (both ends included) whose text contains `text`,
    letter case ignored. An address that other errors or an operator would keep in
    quarantine stays there and is reported; the denylist is never touched.
    """
    candidates = _candidates(text, start, end, channel)

    def discount(entry: QuarantineEntry) -> QuarantineAction:
        return QuarantineAction(
            channel=entry.channel,
            key=entry.key,
            at=timezone.now(),
            kind=QuarantineAction.Kind.DISCOUNT,
            status=AddressStatus.VALID,
            text=text,
            first_error_at=in_calendar(start),
            last_error_at=in_calendar(end),
            actor=actor,
            source=source,
        )

    result = BulkRelease()
    for batch in batches(candidates):
        with transaction.atomic():
            locked = candidates.select_for_update(of=("self",)).order_by("pk")
            entries = list(locked.filter(pk__in=[entry.pk for entry in batch]))
            released, kept = _with_discount(entries, discount)
            result.released += [(entry.channel, entry.key) for entry in released]
            result.kept += [(entry.channel, entry.key) for entry in kept]
            if not dry_run:
                QuarantineAction.objects.bulk_create(map(discount, released))
                _make_valid(released)
    return result


def _candidates(
    text: str, start: datetime, end: datetime, channel: str | None
) -> QuerySet[QuarantineEntry]:
    """Entries that a bulk release may touch: with such an error in the period."""
    matching = AddressError.objects.exclude(type=ErrorType.IGNORED).filter(
        text__icontains=text, at__gte=in_calendar(start), at__lte=in_calendar(end)
    )
    if channel:
        matching = matching.filter(channel=channel)
    return QuarantineEntry.objects.filter(
        Exists(matching.filter(channel=OuterRef("channel"), key=OuterRef("key"))),
        status__in=RELEASABLE,
    )


def count_matching(
    text: str, start: datetime, end: datetime, channel: str | None, *, most: int
) -> int:
    """How many entries a bulk release would look at; counting ends past `most`."""
    candidates = _candidates(text, start, end, channel).order_by()
    return candidates[: most + 1].count()


def _with_discount(
    entries: list[QuarantineEntry],
    discount: Callable[[QuarantineEntry], QuarantineAction],
) -> tuple[list[QuarantineEntry], list[QuarantineEntry]]:
    """Entries that would be valid without these errors, and those that would not."""
    evidence = gather(entries)
    released: list[QuarantineEntry] = []
    kept: list[QuarantineEntry] = []
    for entry in entries:
        errors, actions = evidence[entry.channel, entry.key]
        state = fold(errors, [*actions, discount(entry)])
        (released if state.status == AddressStatus.VALID else kept).append(entry)
    return released, kept


def clean_up(now: datetime | None = None) -> int:
    """Make erroneous addresses valid whose time is over (Q5); returns how many."""
    now = now or timezone.now()
    released = 0
    due = QuarantineEntry.objects.filter(
        status=AddressStatus.ERRONEOUS, releases_at__lte=now
    )
    for batch in batches(due):
        with transaction.atomic():
            locked = due.select_for_update(of=("self",)).order_by("pk")
            entries = list(locked.filter(pk__in=[entry.pk for entry in batch]))
            _make_valid(entries)
            released += len(entries)
    return released


def _make_valid(entries: list[QuarantineEntry]) -> None:
    QuarantineEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
        **VALID.fields()
    )
    for channel in {entry.channel for entry in entries}:
        keys = [entry.key for entry in entries if entry.channel == channel]
        _copy_status(channel, keys, AddressStatus.VALID)


def describe(channel: str, address: str) -> dict[str, Any]:
    """Everything known about an address, as plain data; raises InvalidAddress."""
    key = _key(channel, address)
    entry = entry_of(channel, key)
    row = {"channel": channel, "key": key}
    return {
        "channel": channel,
        "key": key,
        "entry": entry and _plain(entry, *STORED),
        "errors": [
            _plain(error, "at", "type", "reason", "text", "source", "event_id")
            for error in AddressError.objects.filter(**row)
        ],
        "actions": [
            _plain(action, "at", "kind", "status", "reason", "text", "actor", "source")
            for action in QuarantineAction.objects.filter(**row)
        ],
        "profiles": [
            {
                "id": row.profile_id,
                "external_id": row.profile.external_id,
                "address": row.value,
                "primary": row.is_primary,
            }
            for row in addresses.with_key(channel, key).select_related("profile")
        ],
    }


def _plain(row: Model, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
