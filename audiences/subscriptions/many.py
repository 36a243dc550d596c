"""Many different subscriptions and ends at once, each with its own origin.

For programs that hand in a thousand acts. The acts of one person about one service are
played in their order on the row that was read under the lock; what changed is written
with a fixed number of statements for each service.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from audiences import sql
from audiences.channels import ANY_FLAG, flag_name
from audiences.consent import Kind, Origin, Recorded, history
from audiences.models import Profile, Service, Subscription
from audiences.sql.many import among
from audiences.subscriptions import messages
from audiences.subscriptions.services import ServiceClosed
from audiences.subscriptions.writing import (
    NoteNeeded,
    Status,
    activated,
    ended,
    opt_out_warning,
)
from audiences.suppression.restriction import RESTRICTED, restricted_among

_COLUMNS = ("profile_id", "service_id", "status", "changed_at", "expires_at")
_WRITTEN = ("status", "changed_at", "expires_at", "made_profile")


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody is subscribed to a service, or the subscription ends."""

    profile_id: int
    service: Service
    subscribes: bool
    origin: Origin


@dataclass
class _State:
    """What was read under the locks, and what the acts have made of it."""

    now: datetime
    # Rows with the flags that a warning needs.
    people: dict[int, Any]
    restricted: set[int]
    held: dict[tuple[int, int], Subscription]
    # Pairs that the person has ended, and not asked for since.
    ended: set[tuple[int, int]]
    new: dict[tuple[int, int], Subscription] = field(default_factory=dict)
    changed: dict[tuple[int, int], Subscription] = field(default_factory=dict)
    rows: list[history.Row] = field(default_factory=list)
    # Ends of what had ended before: they are said again.
    again: list[history.Row] = field(default_factory=list)
    told: list[tuple[str, int, Service, str]] = field(default_factory=list)


def apply(acts: Sequence[Act]) -> list[Recorded | str]:
    """What became of each act: what was recorded, or a sentence why nothing was."""
    with transaction.atomic():
        state = _locked(acts)
        results: list[Recorded | str] = []
        places: list[int] = []
        for act in acts:
            found = _play(state, act)
            if isinstance(found, Recorded) and found.changed:
                places.append(len(results))
            results.append(found)
        for place, event in zip(places, _write(state), strict=True):
            result = results[place]
            warning = result.warning if isinstance(result, Recorded) else ""
            results[place] = Recorded(True, warning, event)
        for way, profile_id, service, source in state.told:
            messages.tell(way, profile_id, service, source)
    return results


def _locked(acts: Sequence[Act]) -> _State:
    ids = sorted({act.profile_id for act in acts})
    flags = {flag_name(act.service.channel) for act in acts}
    rows = Profile.objects.select_for_update(of=("self",)).order_by("pk")
    columns = sorted({"id", ANY_FLAG, *flags})
    people = {
        row.id: row
        for row in rows.filter(among("id", ids)).values_list(*columns, named=True)
    }
    services = {act.service.pk for act in acts}
    held = Subscription.objects.filter(among("profile_id", ids), service__in=services)
    begun = {act.profile_id for act in acts if act.subscribes}
    past = held.filter(ended()).values_list("profile_id", "service_id") if begun else []
    return _State(
        timezone.now(),
        people,
        restricted_among(begun) if begun else set(),
        {(row.profile_id, row.service_id): row for row in held},
        set(past),
    )


def _play(state: _State, act: Act) -> Recorded | str:
    person = state.people.get(act.profile_id)
    if person is None:
        return "The profile is gone."
    return _begin(state, act, person) if act.subscribes else _end(state, act)


def _begin(state: _State, act: Act, person: Any) -> Recorded | str:
    service, name = act.service, (act.profile_id, act.service.pk)
    at = act.origin.at or state.now
    held = state.held.get(name)
    warning = opt_out_warning(person, service)
    if held and held.status_at(at) == Status.ACTIVE:
        return Recorded(False, warning)
    if act.profile_id in state.restricted:
        return str(RESTRICTED)
    if service.is_closed:
        return str(ServiceClosed(service))
    if name in state.ended and not act.origin.has_proof:
        return str(NoteNeeded(service))
    if held is None:
        held = Subscription(profile_id=act.profile_id, service_id=service.pk)
        state.held[name] = state.new[name] = held
    elif name not in state.new:
        state.changed[name] = held
    for column, value in activated(service, at).items():
        setattr(held, column, value)
    state.ended.discard(name)
    _note(state, act, Kind.SUBSCRIBE, at, "subscribed")
    return Recorded(True, warning)


def _end(state: _State, act: Act) -> Recorded:
    name = (act.profile_id, act.service.pk)
    at = act.origin.at or state.now
    held = state.held.get(name)
    if held is None or held.status not in (Status.ACTIVE, Status.PENDING):
        if name not in state.new and name not in state.changed:
            state.again.append(_row(act, Kind.UNSUBSCRIBE, at))
        return Recorded(False)
    way = "unsubscribed" if held.status == Status.ACTIVE else ""
    held.status, held.changed_at = Status.UNSUBSCRIBED, at
    if name not in state.new:
        state.changed[name] = held
    state.ended.add(name)
    _note(state, act, Kind.UNSUBSCRIBE, at, way)
    return Recorded(True)


def _note(state: _State, act: Act, kind: Kind, at: datetime, way: str) -> None:
    state.rows.append(_row(act, kind, at))
    if way and getattr(act.service, f"{way}_message") != messages.Confirms.NONE:
        state.told.append((way, act.profile_id, act.service, str(act.origin.source)))


def _row(act: Act, kind: Kind, at: datetime) -> history.Row:
    return act.profile_id, at, str(kind), "", act.service.pk, act.origin


def _write(state: _State) -> list[int]:
    history.bulk_said_again(state.again)
    sql.bulk_insert(
        Subscription,
        _COLUMNS,
        ([getattr(row, name) for name in _COLUMNS] for row in state.new.values()),
    )
    sql.bulk_update(Subscription, _WRITTEN, list(state.changed.values()))
    return history.bulk_record(state.rows) if state.rows else []
