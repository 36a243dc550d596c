"""Somebody is erased while a delivery goes out to them: nothing more, and no trace."""

from typing import Any

import pytest
from django.db import connection

from audiences import privacy
from audiences.models import OutboxMail, Profile
from audiences.privacy import requests
from audiences.privacy.requests import NotPossible
from delivery.models import AddressError, Delivery, Dispatch, Message
from delivery.sending import claims, results, sendings, worker
from delivery.sending.status import status_of
from delivery.transports import Kind, Result
from tests.delivery.sessions import Session, open_transaction, wait_until_blocked
from tests.people import person
from tests.privacy import everything
from tests.transports.smtp_server import Sink

from .conftest import recipients_of

pytestmark = pytest.mark.django_db(transaction=True)
two_sessions = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer"
)


def test_who_is_erased_between_claim_and_hand_over_gets_nothing(
    prepared: Delivery,
    people: list[Profile],
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sending = sendings.begin(prepared, actor="test", wakes=False)
    first = claims.claim

    def claim_then_erase(*args: Any, **kwargs: Any) -> Any:
        claimed = first(*args, **kwargs)
        if isinstance(claimed, claims.Batch):
            privacy.erase(people[8])
        return claimed

    monkeypatch.setattr(claims, "claim", claim_then_erase)
    worker.send(sending, waits=False)
    found = status_of(prepared)
    assert (found.sent, found.withdrawn) == (9, {"left_audience": 1})
    assert "p9@example.com" not in recipients_of(sink)
    assert "p9@example.com" not in everything.dump()


@two_sessions
def test_an_erasure_that_is_not_committed_yet_is_waited_for(
    prepared: Delivery,
    people: list[Profile],
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sending = sendings.begin(prepared, actor="test", wakes=False)
    erasing = open_transaction(lambda: privacy.erase(people[8]))
    first = claims.claim

    def finish_once_all_others_left(*args: Any, **kwargs: Any) -> Any:
        claimed = first(*args, **kwargs)
        if isinstance(claimed, claims.Wait) and erasing.is_alive():
            assert len(sink.mails) == 9
            erasing.finish()
        return claimed

    monkeypatch.setattr(claims, "claim", finish_once_all_others_left)
    worker.send(sending, waits=False)
    found = status_of(prepared)
    assert (found.sent, found.withdrawn) == (9, {"left_audience": 1})
    assert "p9@example.com" not in recipients_of(sink)
    assert "p9@example.com" not in everything.dump()


@pytest.mark.parametrize("kind", [Kind.TAKEN, Kind.REFUSED, Kind.LATER, None])
def test_what_was_on_its_way_when_the_erasure_committed_names_nobody(
    prepared: Delivery,
    people: list[Profile],
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind | None,
) -> None:
    """The server has it before the erasure commits, its answer is read after."""
    sending = sendings.begin(prepared, actor="test", wakes=False)
    write = results.write

    def erase_then_write(sending: Any, found: list[Any]) -> None:
        privacy.erase(people[8])
        said = kind and Result(kind, code="550 5.1.1", text="p9@example.com unknown")
        write(
            sending,
            [
                results.HandedOver(h.message, h.address, said)
                if h.message.profile_id == people[8].pk
                else h
                for h in found
            ],
        )

    monkeypatch.setattr(results, "write", erase_then_write)
    worker.send(sending, waits=False)
    row = Dispatch.objects.get(profile=people[8].pk)
    sent = Message.objects.filter(profile=people[8].pk)
    assert [m.address for m in sent] == ([""] if kind in (Kind.TAKEN, None) else [])
    assert row.text == ""
    assert not AddressError.objects.exists()
    assert "p9@example.com" not in everything.dump()


@two_sessions
def test_an_erasure_waits_for_a_result_that_is_being_written(
    prepared: Delivery, people: list[Profile], sink: Sink
) -> None:
    def record() -> None:
        results.lock_shared(Profile, [people[8].pk], waits=True)
        Message.objects.create(
            delivery=prepared,
            profile=people[8],
            channel="email",
            address="p9@example.com",
            sent_at=prepared.created_at,
        )

    writing = open_transaction(record)
    erasing = Session(lambda session: privacy.erase(people[8]))
    erasing.start()
    writing.finish()
    erasing.finish()
    assert Message.objects.get(profile=people[8].pk).address == ""


@two_sessions
@pytest.mark.parametrize("second", [True, False])
def test_two_who_decide_at_once_give_one_answer(db: None, second: bool) -> None:
    profile = person(email="ann@example.com")
    asked = requests.record(profile, "restriction", actor="eva")
    refused: list[str] = []

    def decide_too(session: Session) -> None:
        try:
            requests.decide(asked, is_granted=second, actor="finn", note="no")
        except NotPossible as error:
            refused.append(str(error))

    def decide() -> None:
        requests.decide(asked, is_granted=True, actor="olga", note="yes")
        other.start()
        wait_until_blocked()

    other = Session(decide_too)
    open_transaction(decide).finish()
    other.finish()
    asked.refresh_from_db()
    assert (asked.decided_by, asked.state, asked.note) == ("olga", "granted", "yes")
    assert refused == ["It was decided already."]
    assert OutboxMail.objects.count() == 1
