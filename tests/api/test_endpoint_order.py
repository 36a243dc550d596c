"""Who refuses the changes of some people is told those of all others."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audiences import consent, endpoints
from audiences.consent import Origin
from audiences.endpoints import queue, sending
from audiences.endpoints.calling import Caller, Outcome
from audiences.models import Endpoint, EndpointCall, Profile
from tests.factories import ProfileFactory

from .receiver import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)
BY = Origin(source="operator", note="asked")


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.ENDPOINTS_ALLOW_PRIVATE = True
    settings.ENDPOINT_SECONDS = 2
    settings.ENDPOINT_CONNECTIONS = 1
    with receiving() as made:
        yield made


@pytest.fixture
def made(receiver: Receiver) -> Endpoint:
    shown = endpoints.create(receiver.url, ["consent.opted_out", "consent.opted_in"])
    receiver.secret = shown.secret
    return shown.endpoint


def people(count: int) -> list[Profile]:
    found = [ProfileFactory() for _n in range(count)]
    for who in found:
        consent.opt_out(who, "email", BY)
    return found


def after_the_pause(made: Endpoint) -> int:
    """Let the same time pass for the endpoint and for what it refused."""
    Endpoint.objects.update(due_at=timezone.now())
    EndpointCall.objects.filter(state="waiting").update(due_at=timezone.now())
    return endpoints.work(made.pk)


def test_whoever_is_refused_first_does_not_keep_others_waiting(
    receiver: Receiver, made: Endpoint
) -> None:
    bad = people(7)
    good = people(1)[0]
    receiver.refused = {who.pk for who in bad}
    consent.opt_in(bad[0], "email", BY)
    turns = [after_the_pause(made) for _turn in range(4)]
    assert sum(turns) == 1, turns
    assert receiver.told[0]["data"]["profile"] == good.pk
    receiver.refused = set()
    assert after_the_pause(made) == 8
    first = [t["type"] for t in receiver.told if t["data"]["profile"] == bad[0].pk]
    assert first == ["consent.opted_out", "consent.opted_in"], "still in order"


def test_those_who_are_refused_do_not_fill_the_queue(
    receiver: Receiver, made: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_WAITING", 3)
    monkeypatch.setattr(queue, "PAGE", 3)
    receiver.refused = {who.pk for who in people(3)}
    assert endpoints.work(made.pk) == 0
    people(2)
    # What was refused waits for its own pause; the endpoint is there.
    Endpoint.objects.update(due_at=timezone.now())
    assert endpoints.work(made.pk) == 2


def test_what_is_told_again_by_ids_comes_in_order(
    receiver: Receiver, made: Endpoint
) -> None:
    ann = people(1)[0]
    consent.opt_in(ann, "email", BY)
    assert endpoints.work(made.pk) == 2
    endpoints.replay(made, ids=[*reversed(receiver.ids)])
    assert endpoints.work(made.pk) == 2
    assert receiver.ids[2:] == receiver.ids[:2]


def test_an_endpoint_that_is_busy_is_left_alone_as_long_as_it_says(
    receiver: Receiver, made: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(4)
    said = iter([Outcome(204, ""), Outcome(429, "slower", 900.0)])
    calls: list[str] = []

    def call(self: Caller, message_id: str, body: Any) -> Outcome:
        calls.append(message_id)
        return next(said, Outcome(204, ""))

    monkeypatch.setattr(Caller, "call", call)
    assert endpoints.work(made.pk) == 1
    assert len(calls) == 2, "nobody goes on calling"
    made.refresh_from_db()
    assert timedelta(minutes=14) < made.due_at - timezone.now() < timedelta(minutes=16)
    assert made.failing_since is None
    Endpoint.objects.update(due_at=timezone.now())
    assert endpoints.work(made.pk) == 2, "the one waits"
    assert after_the_pause(made) == 1


def test_nobody_is_left_alone_for_longer_than_the_longest_pause() -> None:
    assert sending._pause(1, 10.0**9) == timedelta(hours=6)
    assert sending._pause(4, 1.0) == timedelta(minutes=20)


def test_a_new_place_or_secret_counts_from_the_next_calls_on(
    receiver: Receiver, made: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker may be at it for a while: it does not go on at the former place."""
    monkeypatch.setattr(sending, "BATCH", 1)
    people(2)
    with receiving() as other:
        take = receiver.take

        def move(headers: Any, body: bytes) -> int:
            endpoints.change(made, url=other.url)
            other.secret = endpoints.rotate(made).secret
            return take(headers, body)

        monkeypatch.setattr(receiver, "take", move)
        assert endpoints.work(made.pk) == 2
        assert (len(receiver.told), len(other.told)) == (1, 1)


def test_what_ends_an_endpoint_is_said_of_the_change_that_was_not_taken(
    receiver: Receiver, made: Endpoint
) -> None:
    bad, _good = people(2)
    receiver.refused = {bad.pk}
    assert endpoints.work(made.pk) == 1
    EndpointCall.objects.update(first_at=timezone.now() - timedelta(days=3))
    people(1)
    assert after_the_pause(made) == 1
    made.refresh_from_db()
    assert (made.state, made.reason) == (
        "disabled",
        "It did not take a change for three days: no\n",
    )
