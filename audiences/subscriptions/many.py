"""Many different subscriptions, requests and ends at once, each with its own origin.

For programs that hand in a thousand acts. The acts of one person about one service are
played in their order on the row that was read under the lock; what changed is written
with a fixed number of statements, and so are the messages that ask and tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.db.models import Max, Q
from django.db.models.lookups import In
from django.utils import timezone

from audiences import sql
from audiences.channels import ANY_FLAG, flag_name
from audiences.consent import Kind, Origin, Recorded, history
from audiences.consent.many import Gone
from audiences.models import ConsentEvent, Profile, Service, Subscription
from audiences.refusals import Refused
from audiences.sql.many import among, beside
from audiences.subscriptions import telling
from audiences.subscriptions.messages import channel_of
from audiences.subscriptions.services import ServiceClosed
from audiences.subscriptions.telling import Notice
from audiences.subscriptions.writing import (
    NoteNeeded,
    Status,
    activated,
    ended,
    opt_out_warning,
    pending,
)
from audiences.suppression.restriction import RESTRICTED, Restricted, restricted_among

Way = Literal["subscribe", "request", "unsubscribe"]
_COLUMNS = ("profile_id", "service_id", "status", "changed_at", "expires_at")
_WRITTEN = ("status", "changed_at", "expires_at", "made_profile")


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody is subscribed to a service, asks for it, or the subscription ends.

    A `request` is the person's own (`double_opt_in.request`), in a language.
    """

    profile_id: int
    service: Service
    way: Way
    origin: Origin
    language: str = ""

    @property
    def asks(self) -> bool:
        """Whether the person has to confirm it."""
        return self.way == "request" and self.service.double_opt_in


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
    # The event that a pending one waits for; below 0: that of a row, from 1 on.
    waiting: dict[tuple[int, int], int]
    new: dict[tuple[int, int], Subscription] = field(default_factory=dict)
    changed: dict[tuple[int, int], Subscription] = field(default_factory=dict)
    rows: list[history.Row] = field(default_factory=list)
    # Ends of what had ended before: they are said again.
    again: list[history.Row] = field(default_factory=list)
    told: list[Notice] = field(default_factory=list)
    asked: list[tuple[Act, int]] = field(default_factory=list)


def unasked(acts: Sequence[Act]) -> set[tuple[int, int]]:
    """The profile and service of each request that no message can ask to confirm.

    The person has no address where the service sends; one statement.
    """
    asking = [act for act in acts if act.asks]
    if not asking:
        return set()
    places = telling.addresses_for((act.profile_id, act.service) for act in asking)
    return {
        (act.profile_id, act.service.pk)
        for act in asking
        if (act.profile_id, channel_of(act.service)) not in places
    }


def apply(acts: Sequence[Act]) -> list[Recorded | Refused]:
    """What became of each act: what was recorded, or why nothing was."""
    with transaction.atomic():
        state = _locked(acts)
        results = [_play(state, act) for act in acts]
        ids = _write(state)
        events, asked = iter(ids), iter(_ask(state, ids))
        for place, found in enumerate(results):
            if isinstance(found, Recorded):
                results[place] = replace(
                    found,
                    event_id=next(events) if found.changed else None,
                    is_unsent=found.is_pending and not next(asked),
                )
        telling.tell(state.told)
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
    of_services = Q(In(beside("service_id"), sorted(services)))
    rows_held = Subscription.objects.filter(among("profile_id", ids), of_services)
    begun = {act.profile_id for act in acts if act.way != "unsubscribe"}
    past = rows_held.filter(ended()).values_list("profile_id", "service_id")
    held = {(row.profile_id, row.service_id): row for row in rows_held}
    return _State(
        timezone.now(),
        people,
        restricted_among(begun) if begun else set(),
        held,
        set(past if begun else []),
        _last_requests(held, acts),
    )


def _last_requests(
    held: dict[tuple[int, int], Subscription], acts: Sequence[Act]
) -> dict[tuple[int, int], int]:
    """The events that await confirmation, of those who ask again."""
    asked = {(act.profile_id, act.service.pk) for act in acts if act.asks}
    pending = [n for n in asked & held.keys() if held[n].status == Status.PENDING]
    if not pending:
        return {}
    events = ConsentEvent.objects.filter(
        among("profile_id", sorted({profile_id for profile_id, _service in pending})),
        channel="",
        service_id__in={service for _profile_id, service in pending},
        kind=Kind.REQUEST,
    ).order_by()
    last = events.values_list("profile_id", "service_id").annotate(Max("pk"))
    return {(profile_id, service or 0): pk for profile_id, service, pk in last}


def _play(state: _State, act: Act) -> Recorded | Refused:
    person = state.people.get(act.profile_id)
    if person is None:
        return Gone()
    if act.way == "unsubscribe":
        return _end(state, act)
    # A request is about this moment, whatever the moment of the wish.
    at = state.now if act.asks else act.origin.at or state.now
    held = state.held.get((act.profile_id, act.service.pk))
    warning = opt_out_warning(person, act.service)
    if held and held.status_at(at) == Status.ACTIVE:
        return Recorded(False, warning)
    if act.profile_id in state.restricted:
        return Restricted(RESTRICTED)
    if act.service.is_closed:
        return ServiceClosed(act.service)
    return (_request if act.asks else _begin)(state, act, warning)


def _begin(state: _State, act: Act, warning: str) -> Recorded | Refused:
    service, name = act.service, (act.profile_id, act.service.pk)
    at = act.origin.at or state.now
    if name in state.ended and not act.origin.has_proof:
        return NoteNeeded(service)
    _set(state, name, activated(service, at))
    state.ended.discard(name)
    _note(state, act, Kind.SUBSCRIBE, at, "subscribed")
    return Recorded(True, warning)


def _request(state: _State, act: Act, warning: str) -> Recorded:
    """Asking again while it waits sends the message again, within the caps."""
    name = act.profile_id, act.service.pk
    held = state.held.get(name)
    is_pending = bool(held and held.status_at(state.now) == Status.PENDING)
    is_new = not is_pending or name not in state.waiting
    if is_new:
        at = act.origin.at or state.now
        _set(state, name, pending(at, state.now))
        _note(state, act, Kind.REQUEST, at, "")
        state.waiting[name] = -len(state.rows)
    state.asked.append((act, state.waiting[name]))
    return Recorded(is_new, warning, is_pending=True)


def _set(state: _State, name: tuple[int, int], values: dict[str, object]) -> None:
    held = state.held.get(name)
    if held is None:
        held = Subscription(profile_id=name[0], service_id=name[1])
        state.held[name] = state.new[name] = held
    elif name not in state.new:
        state.changed[name] = held
    for column, value in values.items():
        setattr(held, column, value)


def _ask(state: _State, ids: Sequence[int]) -> list[bool]:
    """Ask to confirm what was requested; false of each that the caps forbid today."""
    return telling.ask(
        [
            telling.Request(
                act.profile_id,
                act.service,
                event if event > 0 else ids[-event - 1],
                act.language,
                str(act.origin.source),
            )
            for act, event in state.asked
        ]
    )


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
    if way:
        source = str(act.origin.source)
        state.told.append(Notice(way, act.profile_id, act.service, source))


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
