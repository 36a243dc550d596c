"""Telling an endpoint: at least once, in order for each person, for three days.

One worker at a time tells an endpoint (`sql.process_lock`). It calls over several
lanes; all about one person go over one lane, one after the other. After a failure what
comes later about that person waits. An endpoint that fails altogether is left alone for
a while, longer each time; who has not taken a change for three days is disabled, and
the console says so, and so is who answers 410. The message keeps its id over all tries:
who has seen it drops it.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from audiences import feed, sql
from audiences.endpoints import queue, words
from audiences.endpoints.calling import Caller, Outcome
from audiences.models import Endpoint, EndpointCall

# The pauses after the tries, in seconds; the last one goes on.
PAUSES = (20, 60, 300, 1_200, 3_600, 10_800, 21_600)
GIVES_UP = timedelta(days=3)
# So many failures of a turn, and none taken: the endpoint is not there at all.
TOO_MANY = 3
BATCH = 500
State = EndpointCall.State
_WRITTEN = (
    *("state", "first_at", "due_at", "told_at", "attempts", "status", "answer"),
)


def work(pk: int, *, seconds: float = 20.0) -> int:
    """Tell an endpoint what waits, for a while; returns how many changes it took.

    Another worker that is at it goes on with it.
    """
    try:
        with sql.process_lock(f"endpoint:{pk}"):
            return _work(pk, time.monotonic() + seconds)
    except sql.Locked:
        return 0


def _work(pk: int, deadline: float) -> int:
    taken, caller = 0, None
    try:
        while time.monotonic() < deadline:
            endpoint = queue.unfinished().filter(pk=pk).first()
            if endpoint is None:
                break
            new = queue.take_in(endpoint)
            calls = queue.due(endpoint, BATCH)
            if not calls:
                if not new:
                    break
                continue
            caller = _caller(endpoint, caller)
            told = _tell(endpoint, calls, caller, deadline)
            taken += told
            if not told:
                break
    finally:
        if caller:
            caller.close()
    return taken


def _caller(endpoint: Endpoint, caller: Caller | None) -> Caller:
    """The caller of an endpoint as it is now: somebody may change it meanwhile."""
    secrets = [endpoint.secret]
    if endpoint.former_until and endpoint.former_until > timezone.now():
        secrets.append(endpoint.former_secret)
    if caller:
        if (caller.url, caller.secrets) == (endpoint.url, tuple(secrets)):
            return caller
        caller.close()
    return Caller(endpoint.url, secrets, max(1, settings.ENDPOINT_CONNECTIONS))


def _tell(
    endpoint: Endpoint, calls: list[EndpointCall], caller: Caller, deadline: float
) -> int:
    """Call about these changes, write down what came of it; returns how many took."""
    bodies = _bodies(endpoint, calls)
    problem = caller.look()
    turn = _Turn(caller, bodies, deadline)
    if problem:
        first = calls[0]
        outcomes = {first.pk: Outcome(None, problem)}
    else:
        outcomes = turn.run(_lanes(calls))
    _write(endpoint, calls, outcomes, bodies)
    return sum(outcome.is_taken for outcome in outcomes.values())


def _bodies(
    endpoint: Endpoint, calls: Sequence[EndpointCall]
) -> dict[str, dict[str, Any]]:
    """What is said of each change: as it is now, and nothing of who was erased."""
    changes = list(feed.by_ids([call.change for call in calls]).values())
    facts = feed.facts(changes, sees_addresses=endpoint.with_addresses)
    if not endpoint.with_addresses:
        for fact in facts:
            fact["data"].pop("address", None)
    return {fact["id"]: fact for fact in facts}


def _lanes(calls: Iterable[EndpointCall]) -> list[list[EndpointCall]]:
    """The calls of each person in one lane, in their order."""
    count = max(1, settings.ENDPOINT_CONNECTIONS)
    lanes: dict[int, list[EndpointCall]] = defaultdict(list)
    for call in calls:
        # What is about nobody keeps its order too.
        lanes[(call.profile_id or 0) % count].append(call)
    return list(lanes.values())


class _Turn:
    """The calls of one batch; it ends early where nothing is taken at all."""

    def __init__(
        self, caller: Caller, bodies: dict[str, dict[str, Any]], deadline: float
    ) -> None:
        self.caller, self.bodies, self.deadline = caller, bodies, deadline
        self.outcomes: dict[int, Outcome] = {}
        self.failed = 0
        self.taken = 0
        self.is_gone = False
        self.is_busy = False

    def run(self, lanes: list[list[EndpointCall]]) -> dict[int, Outcome]:
        if len(lanes) == 1:
            self._lane(lanes[0])
        else:
            with ThreadPoolExecutor(len(lanes)) as pool:
                list(pool.map(self._lane, lanes))
        return self.outcomes

    def _lane(self, calls: list[EndpointCall]) -> None:
        waiting: set[int | None] = set()
        for call in calls:
            if self._is_over():
                return
            if call.profile_id in waiting:
                continue
            body = self.bodies.get(call.change)
            if body is None:
                continue  # what it was about is gone
            outcome = self.caller.call(call.change, body)
            self.outcomes[call.pk] = outcome
            if outcome.is_taken:
                self.taken += 1
            else:
                self.failed += 1
                self.is_gone |= outcome.is_gone
                self.is_busy |= outcome.wants > 0
                waiting |= {call.profile_id} - {None}

    def _is_over(self) -> bool:
        is_away = self.failed >= TOO_MANY and not self.taken
        is_ended = self.is_gone or self.is_busy
        return is_away or is_ended or time.monotonic() > self.deadline


def _write(
    endpoint: Endpoint,
    calls: list[EndpointCall],
    outcomes: dict[int, Outcome],
    bodies: dict[str, dict[str, Any]],
) -> None:
    now, changed, given_up = timezone.now(), [], ""
    for call in calls:
        outcome = outcomes.get(call.pk)
        if outcome is None:
            if call.change not in bodies:
                call.state, call.answer = State.FAILED, words.NOTHING_LEFT
                changed.append(call)
            continue
        call.attempts, call.told_at = call.attempts + 1, now
        call.first_at = call.first_at or now
        call.status, call.answer = outcome.status, outcome.text
        if outcome.is_taken:
            call.state = State.TOLD
        elif now - call.first_at >= GIVES_UP:
            call.state, given_up = State.FAILED, outcome.said
        else:
            call.due_at = now + _pause(call.attempts, outcome.wants)
        changed.append(call)
    sql.bulk_update(EndpointCall, _WRITTEN, changed)
    _note(endpoint, outcomes, given_up)


def _pause(attempts: int, wants: float = 0.0) -> timedelta:
    """The pause after so many tries, or the longer one that was asked for."""
    usual = PAUSES[min(attempts, len(PAUSES)) - 1]
    return timedelta(seconds=max(usual, min(wants, PAUSES[-1])))


def _note(endpoint: Endpoint, outcomes: dict[int, Outcome], given_up: str) -> None:
    """Whether the endpoint is there: it is left alone while it takes nothing, and for
    as long as it asks for. `given_up`: what was said to what is not tried again.
    """
    now = timezone.now()
    rows = Endpoint.objects.filter(pk=endpoint.pk, state=Endpoint.State.ACTIVE)
    refusals = [outcome for outcome in outcomes.values() if not outcome.is_taken]
    wants = max((outcome.wants for outcome in refusals), default=0.0)
    if any(outcome.is_gone for outcome in refusals):
        rows.update(
            state=Endpoint.State.DISABLED,
            reason=words.IS_GONE,
        )
    elif given_up:
        rows.update(
            state=Endpoint.State.DISABLED,
            reason=f"{words.NOT_TAKEN}: {given_up}"[:200],
        )
    elif len(refusals) < len(outcomes):
        if endpoint.failing_since or endpoint.failures:
            rows.update(failing_since=None, failures=0, reason="")
        if wants:
            rows.update(due_at=now + timedelta(seconds=min(wants, PAUSES[-1])))
    elif outcomes:
        failures = endpoint.failures + 1
        rows.update(
            failing_since=endpoint.failing_since or now,
            failures=failures,
            due_at=now + _pause(failures, wants),
            reason=refusals[0].said[:200],
        )
