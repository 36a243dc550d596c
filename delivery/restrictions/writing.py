"""Writing down what restricts, since a moment: for the replay after a restore.

What counts is what holds now: who opted out and was opted in again is not in the file.
Acts may have been recorded after they happened. So everything is taken that was
recorded after the last act before the moment which is known to have been recorded at
once: rather too much than too little, for a restriction bears repeating.
"""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from audiences import suppression, wishes
from audiences.channels import FLAGS, Scope
from audiences.consent import Kind, Source
from audiences.models import (
    AddressStatus,
    ConsentEvent,
    ContactWish,
    Profile,
    Subscription,
    Suppression,
)
from audiences.refusals import Refused
from delivery.models import AddressError, QuarantineAction, QuarantineEntry

from .lines import END, FORMAT, HEAD, VERSION

Line = dict[str, Any]
T = TypeVar("T")
BATCH = 1_000
# Acts that are recorded as they happen.
_AT_ONCE = Q(
    source__in=[Source.OPERATOR, Source.COMMAND, Source.LANDING_PAGE, Source.ONE_CLICK],
    kind__in=[Kind.OPT_OUT, Kind.OPT_IN, Kind.UNSUBSCRIBE],
)
_KINDS = QuarantineAction.Kind
_DECIDED = Q(kind__in=[_KINDS.SET, _KINDS.RAISE, _KINDS.UNDO])


def write(path: Path, since: datetime) -> dict[str, int]:
    """Write all restrictions since a moment; returns how many of each kind.

    The file appears whole or not at all, readable by its owner alone: it has addresses.
    Raises Refused when it cannot be written.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}")
    counts: dict[str, int] = {}
    try:
        flags = os.O_CREAT | os.O_WRONLY | os.O_EXCL
        with os.fdopen(os.open(made, flags, 0o600), "w", encoding="utf-8") as file:
            head = {"kind": HEAD, "format": FORMAT, "version": VERSION}
            about = {"since": since.isoformat(), "made_at": timezone.now().isoformat()}
            file.write(_json(head | about))
            for line in restrictions(since):
                file.write(_json(line))
                counts[line["kind"]] = counts.get(line["kind"], 0) + 1
            file.write(_json({"kind": END, "lines": sum(counts.values())}))
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        made.unlink(missing_ok=True)
    return counts


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def _json(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def restrictions(since: datetime) -> Iterator[Line]:
    """The lines in the order in which they are replayed."""
    yield from _suppressions(since)
    yield from _quarantine(since)
    events = ConsentEvent.objects.filter(pk__gt=_last_before(since))
    yield from _erasures(events.filter(kind=Kind.ERASE))
    yield from _opt_outs(events.filter(kind=Kind.OPT_OUT))
    yield from _unsubscriptions(events.filter(kind=Kind.UNSUBSCRIBE))
    yield from _wishes(since)


def _last_before(since: datetime) -> int:
    rows = ConsentEvent.objects.filter(_AT_ONCE, at__lt=since).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def _suppressions(since: datetime) -> Iterator[Line]:
    rows: QuerySet[Suppression] = suppression.active().filter(since__gte=since)
    for row in rows.order_by("pk").iterator():
        yield {
            "kind": "suppression",
            "channel": row.channel,
            "digest": row.digest,
            "key_id": row.key_id,
            "reason": row.reason,
            "since": row.since.isoformat(),
        }


def _quarantine(since: datetime) -> Iterator[Line]:
    actions = QuarantineAction.objects.filter(at__lt=since).filter(_DECIDED)
    last = actions.order_by("-pk").values_list("pk", flat=True).first() or 0
    newer = QuarantineAction.objects.filter(pk__gt=last)
    errors = AddressError.objects.filter(recorded_at__gte=since)
    names = {
        *newer.values_list("channel", "key"),
        *errors.values_list("channel", "key"),
    }
    for some in _batches(sorted(names)):
        keys = [key for _channel, key in some]
        entries = QuarantineEntry.objects.filter(key__in=keys)
        blocked = entries.exclude(status=AddressStatus.VALID)
        for entry in blocked.annotate(at=_LAST).order_by("channel", "key"):
            if (entry.channel, entry.key) in names:
                yield _entry(entry)


# When somebody decided last about the address.
_LAST = Subquery(
    QuarantineAction.objects.filter(channel=OuterRef("channel"), key=OuterRef("key"))
    .order_by("-at")
    .values("at")[:1]
)


def _entry(entry: Any) -> Line:
    moments = [entry.at, entry.first_error_at, entry.last_error_at]
    at, first, last = (moment and moment.isoformat() for moment in moments)
    told = ("channel", "status", "reason", "type", "text", "error_count")
    return {
        "kind": "quarantine",
        "address": entry.key,
        "at": at or last or timezone.now().isoformat(),
        "first_error_at": first,
        "last_error_at": last,
        **{name: getattr(entry, name) for name in told},
    }


def _erasures(events: QuerySet[ConsentEvent]) -> Iterator[Line]:
    for event in events.order_by("pk").iterator():
        yield {
            "kind": "erasure",
            "profile": event.profile_id,
            "at": event.at.isoformat(),
        }


def _opt_outs(events: QuerySet[ConsentEvent]) -> Iterator[Line]:
    for some in _batches(events.order_by("pk").iterator()):
        people = _people({event.profile_id for event in some})
        for event in some:
            profile = people.get(event.profile_id)
            if profile and getattr(profile, FLAGS[Scope(event.channel)]):
                yield _act(event, profile, "opt_out", channel=event.channel)


def _unsubscriptions(events: QuerySet[ConsentEvent]) -> Iterator[Line]:
    ended = [Subscription.Status.UNSUBSCRIBED, Subscription.Status.EXPIRED]
    rows = events.order_by("pk").select_related("service")
    for some in _batches(rows.iterator()):
        ids = {event.profile_id for event in some}
        people = _people(ids)
        held = Subscription.objects.filter(profile_id__in=ids, status__in=ended)
        over = {*held.values_list("profile_id", "service_id")}
        for event in some:
            if (event.profile_id, event.service_id) in over and event.service:
                profile = people[event.profile_id]
                yield _act(event, profile, "unsubscribe", service=event.service.slug)


def _wishes(since: datetime) -> Iterator[Line]:
    rows = ContactWish.objects.filter(wishes.active(), since__gte=since)
    for some in _batches(rows.order_by("pk").iterator()):
        people = _people({wish.profile_id for wish in some})
        for wish in some:
            until = wish.paused_until
            yield {
                "kind": "wish",
                "channel": wish.channel,
                "per_month": wish.per_month,
                "paused_until": until.isoformat() if until else None,
                **_of_person(people[wish.profile_id], wish.since, wish.source),
            }


def _people(ids: set[int]) -> dict[int, Profile]:
    rows = Profile.objects.filter(pk__in=ids).prefetch_related("addresses")
    return {profile.pk: profile for profile in rows}


def _act(event: ConsentEvent, profile: Profile, kind: str, **about: str) -> Line:
    return {"kind": kind, **about, **_of_person(profile, event.at, event.source)}


def _of_person(profile: Profile, at: datetime, source: str) -> Line:
    held = sorted((a.channel, a.value) for a in profile.addresses.all())
    return {
        "at": at.isoformat(),
        "source": source,
        "person": {
            "id": profile.pk,
            "external_id": profile.external_id or "",
            "created_at": profile.created_at.isoformat(),
            "addresses": held,
        },
    }
