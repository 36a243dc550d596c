"""Quarantine of addresses: the only writer of entries, evidence and copies.

An entry belongs to an address, whoever has it and whether anybody has it (Q1). It is
computed from its evidence (`delivery.evidence`); what changes evidence also rewrites
the entry and the copies beside the addresses, in one transaction.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from audiences import addresses, bulk_sql
from audiences.models import Address, AddressStatus

from .evidence import RANK, STORED, VALID, EntryState, aged, fold
from .models import AddressError, Message, QuarantineAction, QuarantineEntry
from .models.quarantine import ErrorReason, ErrorType

BATCH = 1000
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
    same `event_id` of a source counts once. Raises InvalidAddress.
    """
    key = addresses.normalise(channel, address).key
    error = AddressError(
        channel=channel,
        key=key,
        at=at or timezone.now(),
        type=ErrorType(type),
        reason=ErrorReason(reason),
        text=text,
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
    key = addresses.normalise(channel, address).key
    with transaction.atomic():
        entry = _locked_entry(channel, key)
        QuarantineAction.objects.create(
            channel=channel,
            key=key,
            at=timezone.now(),
            kind=QuarantineAction.Kind.SET,
            status=AddressStatus(status),
            reason=ErrorReason(reason),
            text=text,
            actor=actor,
            source=source,
        )
        _recompute(entry)
    return entry


def raise_statuses(actions: list[QuarantineAction], *, dry_run: bool = False) -> int:
    """Apply actions that set a status, except where they would not raise it.

    For lists from elsewhere. Set-based: the number of statements does not depend on
    the number of actions. Of several for one address the first counts. Returns how
    many entries changed; the caller is in a transaction.
    """
    wanted: dict[tuple[str, str], QuarantineAction] = {}
    for action in actions:
        wanted.setdefault((action.channel, action.key), action)
    rows = [QuarantineEntry(channel=c, key=k, status="valid") for c, k in wanted]
    present = {(e.channel, e.key): e for e in _lock_all(rows, create=not dry_run)}
    raising = []
    for name, action in wanted.items():
        entry = present.get(name)
        status = AddressStatus(entry.status) if entry else AddressStatus.VALID
        if RANK[AddressStatus(action.status)] > RANK[status]:
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
    return list(locked.filter(_about(rows)))


def _recompute_all(entries: list[QuarantineEntry]) -> None:
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    evidence = _evidence(entries)
    for entry in entries:
        state = fold(*evidence[entry.channel, entry.key])
        for name, value in state.fields().items():
            setattr(entry, name, value)
        keys[entry.channel, state.status].append(entry.key)
    bulk_sql.bulk_update(QuarantineEntry, STORED, entries)
    for (channel, status), changed in keys.items():
        _copy_status(channel, changed, status)


def succeeded(channel: str, key: str, *, at: datetime, source: str) -> None:
    """A message reached the address: an erroneous one becomes valid (Q5)."""
    with transaction.atomic():
        rows = QuarantineEntry.objects.select_for_update(of=("self",))
        entry = rows.filter(channel=channel, key=key).first()
        if entry and entry.status == AddressStatus.ERRONEOUS:
            QuarantineAction.objects.create(
                channel=channel,
                key=key,
                at=at,
                kind=QuarantineAction.Kind.SUCCESS,
                status=AddressStatus.VALID,
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
            at=timezone.now(),
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


def _locked_entry(channel: str, key: str) -> QuarantineEntry:
    QuarantineEntry.objects.get_or_create(
        channel=channel, key=key, defaults={"status": AddressStatus.VALID}
    )
    rows = QuarantineEntry.objects.select_for_update(of=("self",))
    return rows.get(channel=channel, key=key)


def _recompute(entry: QuarantineEntry) -> None:
    about = {"channel": entry.channel, "key": entry.key}
    state = fold(
        AddressError.objects.filter(**about).select_related("message"),
        QuarantineAction.objects.filter(**about),
    )
    _store(entry, state)
    _copy_status(entry.channel, [entry.key], state.status)


def _store(entry: QuarantineEntry, state: EntryState) -> None:
    for name, value in state.fields().items():
        setattr(entry, name, value)
    entry.save()


def _copy_status(channel: str, keys: list[str], status: str) -> None:
    Address.objects.filter(channel=channel, key__in=keys, is_valid=True).exclude(
        quarantine_status=status
    ).update(quarantine_status=status)


def mark_attached_addresses(
    sender: object, addresses: QuerySet[Address], **kwargs: Any
) -> None:
    """Listener of `addresses_attached`: copy the status of entries that exist already.

    An address that cannot be delivered to takes no part in quarantine.
    """
    entries = QuarantineEntry.objects.filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    ).exclude(status=AddressStatus.VALID)
    addresses.filter(Exists(entries), is_valid=True).update(
        quarantine_status=Subquery(entries.values("status")[:1])
    )
    addresses.filter(is_valid=False).exclude(
        quarantine_status=AddressStatus.VALID
    ).update(quarantine_status=AddressStatus.VALID)


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
    matching = AddressError.objects.exclude(type=ErrorType.IGNORED).filter(
        text__icontains=text, at__gte=start, at__lte=end
    )
    if channel:
        matching = matching.filter(channel=channel)
    candidates = QuarantineEntry.objects.filter(
        Exists(matching.filter(channel=OuterRef("channel"), key=OuterRef("key"))),
        status__in=RELEASABLE,
    )
    result = BulkRelease()
    for batch in _batches(candidates):
        with transaction.atomic():
            locked = candidates.select_for_update(of=("self",)).order_by("pk")
            entries = list(locked.filter(pk__in=[entry.pk for entry in batch]))
            released, kept = _without(entries, matching)
            result.released += [(entry.channel, entry.key) for entry in released]
            result.kept += [(entry.channel, entry.key) for entry in kept]
            if not dry_run:
                QuarantineAction.objects.bulk_create(
                    QuarantineAction(
                        channel=entry.channel,
                        key=entry.key,
                        at=timezone.now(),
                        kind=QuarantineAction.Kind.SET,
                        status=AddressStatus.VALID,
                        text=f"bulk release: {text}",
                        actor=actor,
                        source=source,
                    )
                    for entry in released
                )
                _make_valid(released)
    return result


def _without(
    entries: list[QuarantineEntry], discounted: QuerySet[AddressError]
) -> tuple[list[QuarantineEntry], list[QuarantineEntry]]:
    """Entries that these errors alone quarantine, and entries with other reasons."""
    ignored = set(discounted.filter(_about(entries)).values_list("pk", flat=True))
    evidence = _evidence(entries)
    released: list[QuarantineEntry] = []
    kept: list[QuarantineEntry] = []
    for entry in entries:
        errors, actions = evidence[entry.channel, entry.key]
        rest = fold((e for e in errors if e.pk not in ignored), actions)
        holds = RANK[AddressStatus(rest.status)] >= RANK[AddressStatus.QUARANTINE]
        (kept if holds else released).append(entry)
    return released, kept


def clean_up(now: datetime | None = None) -> int:
    """Make erroneous addresses valid whose time is over (Q5); returns how many."""
    now = now or timezone.now()
    released = 0
    due = QuarantineEntry.objects.filter(
        status=AddressStatus.ERRONEOUS, releases_at__lte=now
    )
    for batch in _batches(due):
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


def _batches(queryset: QuerySet[QuarantineEntry]) -> Iterator[list[QuarantineEntry]]:
    """The entries in batches, by id, so that what a batch changes disturbs no other."""
    last = 0
    while batch := list(queryset.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


def _about(entries: list[QuarantineEntry]) -> Q:
    about = Q(pk__in=[])
    for channel in {entry.channel for entry in entries}:
        keys = [entry.key for entry in entries if entry.channel == channel]
        about |= Q(channel=channel, key__in=keys)
    return about


Evidence = dict[tuple[str, str], tuple[list[AddressError], list[QuarantineAction]]]


def _evidence(entries: list[QuarantineEntry]) -> Evidence:
    """Errors and actions of each of the entries, in two queries."""
    found: Evidence = {(entry.channel, entry.key): ([], []) for entry in entries}
    errors = AddressError.objects.filter(_about(entries)).select_related("message")
    for error in errors:
        found[error.channel, error.key][0].append(error)
    for action in QuarantineAction.objects.filter(_about(entries)):
        found[action.channel, action.key][1].append(action)
    return found


def verify() -> Iterator[str]:
    """Entries that their evidence does not give, copies that differ from entries."""
    now = timezone.now()
    for batch in _batches(QuarantineEntry.objects.all()):
        evidence = _evidence(batch)
        for entry in batch:
            state = fold(*evidence[entry.channel, entry.key])
            stored = {name: getattr(entry, name) for name in state.fields()}
            if stored not in (state.fields(), aged(state, now).fields()):
                yield (
                    f"{entry.channel} {entry.key}: the entry says {entry.status} with "
                    f"{entry.error_count} errors, the evidence {state.status} with "
                    f"{state.error_count}"
                )
    yield from _verify_missing_entries()
    yield from _verify_copies()


def describe(channel: str, address: str) -> dict[str, Any]:
    """Everything known about an address, as plain data; raises InvalidAddress."""
    key = addresses.normalise(channel, address).key
    entry = entry_of(channel, key)
    about = {"channel": channel, "key": key}
    return {
        "channel": channel,
        "key": key,
        "entry": entry and _plain(entry, *STORED),
        "errors": [
            _plain(error, "at", "type", "reason", "text", "source", "event_id")
            for error in AddressError.objects.filter(**about)
        ],
        "actions": [
            _plain(action, "at", "kind", "status", "reason", "text", "actor", "source")
            for action in QuarantineAction.objects.filter(**about)
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


def _verify_missing_entries() -> Iterator[str]:
    entries = QuarantineEntry.objects.filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    )
    lost = AddressError.objects.exclude(type=ErrorType.IGNORED).filter(~Exists(entries))
    for channel, key in lost.order_by().values_list("channel", "key").distinct():
        about = {"channel": channel, "key": key}
        state = fold(
            AddressError.objects.filter(**about).select_related("message"),
            QuarantineAction.objects.filter(**about),
        )
        if state.status != AddressStatus.VALID:
            yield f"{channel} {key}: there are errors but no entry"


def _verify_copies() -> Iterator[str]:
    entries = QuarantineEntry.objects.exclude(status=AddressStatus.VALID).filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    )
    marked = Address.objects.exclude(quarantine_status=AddressStatus.VALID)
    unmarked = Address.objects.filter(
        is_valid=True, quarantine_status=AddressStatus.VALID
    )
    stale = marked.filter(
        Q(is_valid=False)
        | ~Exists(entries.filter(status=OuterRef("quarantine_status")))
    )
    missed = unmarked.filter(Exists(entries))
    for address in stale.union(missed).iterator():
        yield (
            f"profile {address.profile_id}: the copy of {address.channel} "
            f"{address.key} says {address.quarantine_status}, the entry does not"
        )
