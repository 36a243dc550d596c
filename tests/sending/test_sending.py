"""A prepared delivery leaves: once to each, to nobody who has opted out since."""

from collections import deque
from datetime import timedelta
from email import message_from_bytes, policy
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences import addresses, consent, subscriptions
from audiences.models import Profile
from audiences.refusals import Refused
from delivery import analysis, quarantine, tasks
from delivery.composing import writing
from delivery.models import Delivery, Dispatch, Message, Sending
from delivery.sending import (
    claims,
    crew,
    looks,
    results,
    schedule,
    sendings,
    slots,
    worker,
)
from delivery.sending.last_check import LastCheck
from delivery.sending.status import SendingStatus, status_of
from delivery.transports import Outgoing
from delivery.transports.handing_over import taken
from tests.people import ORIGIN
from tests.transports.smtp_server import CUT, Sink

from .conftest import recipients_of

pytestmark = pytest.mark.django_db(transaction=True)


def _send(delivery: Delivery) -> SendingStatus:
    sending = sendings.begin(delivery, actor="test", wakes=False)
    worker.send(sending, waits=False)
    return status_of(delivery)


def _sums(found: SendingStatus) -> bool:
    parts = found.waiting + found.sent + sum(found.withdrawn.values())
    return found.to_deliver == parts + found.refused + found.uncertain


def test_each_target_gets_it_once(prepared: Delivery, sink: Sink) -> None:
    found = _send(prepared)
    assert recipients_of(sink) == sorted(f"p{n}@example.com" for n in range(1, 11))
    assert (found.state, found.sent, found.waiting) == ("sent", 10, 0)
    assert Message.objects.filter(delivery=prepared).count() == 10
    raw = next(mail for _from, to, mail in sink.mails if to.startswith("p3@"))
    mail = message_from_bytes(raw, policy=policy.SMTP)
    text = mail.get_body(("plain",))  # type: ignore[attr-defined]
    assert "Hello P3," in text.get_content()


def test_who_opts_out_before_the_claim_is_withdrawn(
    prepared: Delivery, people: list[Profile], sink: Sink
) -> None:
    consent.opt_out(people[2], "email", ORIGIN)
    consent.opt_out(people[3], "any", ORIGIN)
    quarantine.record("email", "p5@example.com", type="hard", source="test")
    addresses.attach(people[5], "email", "new@example.com", primary=True)
    found = _send(prepared)
    assert found.withdrawn == {
        "denylist_channel": 1,
        "denylist_any_channel": 1,
        "address_quarantined": 1,
        "address_changed": 1,
    }
    assert found.sent == len(sink.mails) == 6
    assert _sums(found)


def test_who_opts_out_between_claim_and_hand_over_is_withdrawn(
    prepared: Delivery,
    people: list[Profile],
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sending = sendings.begin(prepared, actor="test", wakes=False)
    first = claims.claim

    def claim_then_opt_out(*args: object, **kwargs: object) -> object:
        claimed = first(*args, **kwargs)  # type: ignore[arg-type]
        if isinstance(claimed, claims.Batch):
            consent.opt_out(people[8], "email", ORIGIN)
        return claimed

    monkeypatch.setattr(claims, "claim", claim_then_opt_out)
    worker.send(sending, waits=False)
    found = status_of(prepared)
    assert (found.sent, found.withdrawn) == (9, {"denylist_channel": 1})
    assert "p9@example.com" not in recipients_of(sink)


def test_a_refusal_for_good_counts_against_the_address_unless_it_is_about_us(
    prepared: Delivery, sink: Sink
) -> None:
    sink.says["RCPT"] = [
        "550 5.1.1 User unknown",
        "550 5.7.1 Blocked by policy",
        "250 2.1.5 Ok",
    ]
    found = _send(prepared)
    assert (found.sent, found.refused) == (8, 2)
    refused = Dispatch.objects.filter(delivery=prepared, status="refused")
    assert {row.code for row in refused} == {"5.1.1", "5.7.1"}
    first, second = (quarantine.entry_of("email", f"p{n}@example.com") for n in (1, 2))
    assert first
    assert first.status == "quarantine"
    assert second is None
    assert _sums(found)


def test_a_refusal_for_now_is_tried_again_later(prepared: Delivery, sink: Sink) -> None:
    sink.says["RCPT"] = ["450 4.2.1 Mailbox busy", "250 2.1.5 Ok"]
    found = _send(prepared)
    assert (found.state, found.sent, found.waiting) == ("sending", 9, 1)
    Dispatch.objects.filter(status="waiting").update(due_at=timezone.now())
    worker.send(sendings.of(prepared), waits=False)
    assert status_of(prepared).state == "sent"
    assert len(recipients_of(sink)) == 10


def test_after_a_day_of_refusals_for_now_it_is_refused(
    prepared: Delivery, sink: Sink
) -> None:
    sink.says["RCPT"] = ["450 4.2.1 Mailbox busy"]
    _send(prepared)
    yesterday = timezone.now() - timedelta(days=1)
    Dispatch.objects.update(due_at=timezone.now(), first_at=yesterday)
    worker.send(sendings.of(prepared), waits=False)
    found = status_of(prepared)
    assert (found.state, found.refused, found.waiting) == ("sent", 10, 0)


def test_a_hand_over_that_breaks_off_is_uncertain_and_not_repeated(
    prepared: Delivery, sink: Sink
) -> None:
    sink.says["MESSAGE"] = [CUT, "250 2.0.0 Ok"]
    found = _send(prepared)
    assert (found.state, found.sent, found.uncertain) == ("sent", 9, 1)
    worker.send(sendings.of(prepared), waits=False)
    assert len(sink.mails) == 9
    assert Message.objects.filter(delivery=prepared).count() == 10
    assert sendings.resend_uncertain(prepared, note="They phoned.") == 1
    worker.send(sendings.of(prepared), waits=False)
    assert status_of(prepared).sent == len(set(recipients_of(sink))) == 10


def test_what_is_sent_again_is_tried_for_a_day_again(
    prepared: Delivery, sink: Sink
) -> None:
    sink.says["MESSAGE"] = [CUT, "250 2.0.0 Ok"]
    _send(prepared)
    Dispatch.objects.update(first_at=timezone.now() - timedelta(days=2))
    sink.says["RCPT"] = ["450 4.2.1 Mailbox busy", "250 2.1.5 Ok"]
    assert sendings.resend_uncertain(prepared, note="They phoned.") == 1
    worker.send(sendings.of(prepared), waits=False)
    found = status_of(prepared)
    assert (found.state, found.waiting, found.refused) == ("sending", 1, 0)
    Dispatch.objects.filter(status="waiting").update(due_at=timezone.now())
    worker.send(sendings.of(prepared), waits=False)
    assert status_of(prepared).sent == 10


def test_what_was_cancelled_is_not_sent_again(
    prepared: Delivery, sink: Sink, admin_client: Client
) -> None:
    sink.says["MESSAGE"] = [CUT, "250 2.0.0 Ok"]
    sending = sendings.begin(prepared, actor="test", wakes=False)
    claimed = claims.claim(sending, LastCheck(prepared), slot=5, most=4)
    assert isinstance(claimed, claims.Batch)
    claims.begin(sending, claimed.ids, slot=5)
    slots.settle_the_dead(sending)
    sendings.cancel(prepared)
    with pytest.raises(sendings.NotSendable, match="was cancelled"):
        sendings.resend_uncertain(prepared, note="They phoned.")
    found = status_of(prepared)
    assert (found.uncertain, found.waiting) == (4, 6)
    page = admin_client.get(reverse("admin:delivery_delivery_send", args=[prepared.pk]))
    assert b"Not sent" in page.content
    assert b'data-action="resend"' not in page.content
    shown = StringIO()
    call_command("delivery_status", str(prepared.pk), stdout=shown)
    assert "Not sent" in shown.getvalue()


def test_what_failed_can_be_cancelled(
    prepared: Delivery, sink: Sink, admin_client: Client
) -> None:
    sending = sendings.begin(prepared, actor="test", wakes=False)
    sendings.fail(sending, "The sender was switched off.")
    page = reverse("admin:delivery_delivery_send", args=[prepared.pk])
    assert b'data-action="cancel"' in admin_client.get(page).content
    admin_client.post(reverse("admin:delivery_delivery_cancel", args=[prepared.pk]))
    assert status_of(prepared).state == "cancelled"


def test_what_a_dead_worker_was_handing_over_is_uncertain(
    prepared: Delivery, sink: Sink
) -> None:
    sending = sendings.begin(prepared, actor="test", wakes=False)
    claimed = claims.claim(sending, LastCheck(prepared), slot=5, most=4)
    assert isinstance(claimed, claims.Batch)
    assert len(claimed.ids) == 4
    assert claims.begin(sending, claimed.ids[:1], slot=5) == {claimed.ids[0]}
    worker.send(sending, waits=False)
    found = status_of(prepared)
    # What it had claimed and not begun was put back.
    assert (found.state, found.sent, found.uncertain) == ("sent", 9, 1)
    assert Message.objects.filter(delivery=prepared).count() == 10
    assert len(sink.mails) == 9


def test_nobody_begins_what_another_has_begun_or_settled(prepared: Delivery) -> None:
    """A worker that lost its slot meets its own claims in another's hand."""
    sending = sendings.begin(prepared, actor="test", wakes=False)
    check = LastCheck(prepared)
    claimed = claims.claim(sending, check, slot=5, most=4)
    assert isinstance(claimed, claims.Batch)
    assert claims.begin(sending, claimed.ids[:2], slot=5) == set(claimed.ids[:2])
    assert claims.begin(sending, claimed.ids, slot=5) == set(claimed.ids[2:])
    assert claims.begin(sending, claimed.ids, slot=5) == set()
    other = claims.claim(sending, check, slot=6, most=4)
    assert isinstance(other, claims.Batch)
    slots.settle_the_dead(sending)
    assert claims.begin(sending, other.ids, slot=6) == set()
    claims.put_back(sending, claimed.ids, Dispatch.Status.HANDING_OVER)
    claims.withdraw(sending, dict.fromkeys(claimed.ids, "x"), Dispatch.Status.WAITING)
    found = status_of(prepared)
    assert (found.uncertain, found.waiting) == (4, 6)


def test_pause_resume_and_cancel(prepared: Delivery, sink: Sink) -> None:
    sending = sendings.begin(prepared, actor="test", wakes=False)
    sendings.pause(prepared)
    worker.send(sending, waits=False)
    assert status_of(prepared).waiting == 10
    sendings.resume(prepared)
    worker.send(sending, should_stop=iter([False, True]).__next__, waits=False)
    sendings.cancel(prepared)
    worker.send(sending, waits=False)
    found = status_of(prepared)
    assert found.state == "cancelled"
    assert _sums(found)
    with pytest.raises(sendings.NotSendable):
        sendings.resume(prepared)


def test_a_pause_stops_at_the_next_message(
    prepared: Delivery, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = sendings.begin(prepared, actor="test", wakes=False)
    monkeypatch.setattr(
        sink, "answer", lambda command: _pausing(sink, prepared, command)
    )
    worker.send(sending, waits=False)
    found = status_of(prepared)
    assert (found.state, found.sent, found.waiting) == ("paused", 1, 9)


def _pausing(sink: Sink, delivery: Delivery, command: str) -> str:
    if command == "MESSAGE":
        Sending.objects.filter(delivery=delivery).update(state="paused")
    return type(sink).answer(sink, command)


def test_too_many_refusals_pause_it(
    prepared: Delivery, sink: Sink, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    monkeypatch.setattr("delivery.sending.results.FEWEST", 3)
    monkeypatch.setattr("delivery.sending.claims.BATCH", 2)
    monkeypatch.setattr("delivery.sending.worker.BATCHES", 1)
    sink.says["RCPT"] = ["550 5.7.1 We do not like you"]
    sending = sendings.begin(prepared, actor="test", wakes=False)
    worker.send(sending, waits=False)
    found = status_of(prepared)
    assert found.state == "paused"
    assert "refused" in found.reason
    assert found.waiting > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: Delivery.objects.filter(pk=d.pk).update(purpose="legal"), "changed"),
        (lambda d: d.analyses.update(finished_at=timezone.now() - timedelta(2)), "day"),
        (lambda d: d.analyses.update(state="stopped"), "not prepared"),
        (lambda d: Delivery.objects.filter(pk=d.pk).update(channel="fax"), "--to FILE"),
        (lambda d: sendings.begin(d, actor="x", wakes=False), "already"),
    ],
)
def test_only_what_is_prepared_and_unchanged_is_sent(
    change: object, said: str, prepared: Delivery
) -> None:
    change(prepared)  # type: ignore[operator]
    with pytest.raises(sendings.NotSendable, match=said):
        sendings.begin(prepared, actor="test", wakes=False)


def test_a_subscription_that_ended_since_is_withdrawn(sink: Sink, db: None) -> None:
    from .conftest import made, person

    service = subscriptions.create_service("news", label="News", channel="email")
    people = [person(email=f"s{n}@example.com") for n in range(3)]
    for one in people:
        subscriptions.subscribe(one, service, ORIGIN)
    delivery = made("News of May", service=service)
    subscriptions.unsubscribe(people[1], service, ORIGIN)
    found = _send(delivery)
    assert found.withdrawn == {"not_subscribed": 1}
    assert recipients_of(sink) == ["s0@example.com", "s2@example.com"]


def test_who_opts_out_while_two_members_hold_messages_is_withdrawn(
    prepared: Delivery,
    people: list[Profile],
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second member sees the change first, and does not have the first's hand."""
    monkeypatch.setattr(crew, "HANDFUL", 2)
    sending = sendings.begin(prepared, actor="test", wakes=False)
    check = LastCheck(prepared)
    batch = claims.claim(sending, check, slot=1)
    assert isinstance(batch, claims.Batch)
    load = crew.Load(
        sending,
        1,
        check,
        looks.Look(sending.pk, batch.seen),
        deque((Outgoing(pk, f"{pk}@x", b""), "") for pk in batch.ids),
    )
    mine, others = load.take(), load.take()
    assert mine
    assert others
    look, got = looks.Look.around, []

    def meanwhile(self: looks.Look) -> tuple[bool, bool]:
        if not got:
            got.append(None)
            for one in (people[0], people[3], people[4]):
                consent.opt_out(one, "email", ORIGIN)
            got[0] = load.next(others)
        return look(self)

    monkeypatch.setattr(looks.Look, "around", meanwhile)
    first = load.next(mine)
    # In hand, in the other's hand, and not begun yet.
    assert (got[0][0].profile_id, first and first[0].profile_id) == (
        people[2].pk,
        people[1].pk,
    )
    assert load.next(others) is None
    assert people[4].pk not in [m.profile_id for m, _address in load.left]
    assert status_of(prepared).withdrawn == {"denylist_channel": 3}


def test_what_is_scheduled_stands(prepared: Delivery, sink: Sink) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    sendings.begin(prepared, actor="test", at=tomorrow)
    with pytest.raises(Refused, match="content stands"):
        writing.set_content(prepared, content="Other words {{ unsubscribe_link }}")
    with pytest.raises(Refused, match="handed over"):
        analysis.analyse(prepared)


def test_the_list_says_that_it_is_being_sent(
    prepared: Delivery, sink: Sink, admin_client: Client
) -> None:
    sendings.begin(prepared, actor="test", wakes=False)
    shown = admin_client.get(reverse("admin:delivery_delivery_changelist"))
    assert '<span class="badge info">Sending</span>' in shown.content.decode()


def test_nobody_else_records_messages_of_what_is_sent_here(
    prepared: Delivery, sink: Sink, tmp_path: Path
) -> None:
    sendings.begin(prepared, actor="test", wakes=False)
    file = tmp_path / "sent.csv"
    file.write_text("address,time\np1@example.com,2026-01-01T10:00Z\n")
    with pytest.raises(CommandError, match="sent by Campaign itself"):
        call_command("record_messages", f"id:{prepared.pk}", str(file))


def test_four_members_send_each_once_while_people_opt_out(
    prepared: Delivery, people: list[Profile], sink: Sink, settings: Any
) -> None:
    settings.SEND_CONNECTIONS = 4
    sending = sendings.begin(prepared, actor="test", wakes=False)
    consent.opt_out(people[4], "email", ORIGIN)
    worker.send(sending, waits=False)
    found = status_of(prepared)
    assert (found.state, found.sent, found.withdrawn) == (
        "sent",
        9,
        {"denylist_channel": 1},
    )
    assert len(set(recipients_of(sink))) == len(sink.mails) == 9


def test_the_sweep_wakes_as_many_workers_as_are_missing(
    prepared: Delivery, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it asks for is forgotten when all are busy for as long as a turn."""
    settings.SEND_WORKERS = 4
    asked: list[tuple[object, object]] = []
    monkeypatch.setattr(
        tasks.run_sending,
        "apply_async",
        lambda args, expires: asked.append((args, expires)),
    )
    sending = sendings.begin(prepared, actor="test", wakes=False)
    tasks.wake_sendings()
    assert asked == [((sending.pk,), tasks.TURN_SECONDS)] * 4
    Sending.objects.update(worked_at=timezone.now())
    assert schedule.to_wake() == [sending.pk]
    Sending.objects.update(worked_at=timezone.now() - timedelta(minutes=1))
    assert schedule.to_wake() == [sending.pk] * 4
    sendings.pause(prepared)
    assert schedule.to_wake() == []


def test_no_more_workers_send_than_may(prepared: Delivery) -> None:
    sending = sendings.begin(prepared, actor="test", wakes=False)
    refused: list[BaseException] = []

    def another() -> None:
        try:
            with slots.held(sending, 1):
                pass
        except slots.NoSlot as error:
            refused.append(error)
        finally:
            connection.close()

    with slots.held(sending, 1) as slot:
        assert slot == 1
        thread = Thread(target=another)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_what_another_worker_has_on_record_stays_as_it_is(
    prepared: Delivery, sink: Sink
) -> None:
    """A worker that was thought dead comes back: its message is known already."""
    sending = sendings.begin(prepared, actor="test", wakes=False)
    claimed = claims.claim(sending, LastCheck(prepared), slot=5, most=2)
    assert isinstance(claimed, claims.Batch)
    claims.begin(sending, claimed.ids, slot=5)
    slots.settle_the_dead(sending)
    before = list(Message.objects.order_by("pk").values())
    results.write(
        sending,
        [
            results.HandedOver(
                Outgoing(pk, "p@example.com", b"", message_id="<1@x>"),
                "p@example.com",
                taken(),
            )
            for pk in reversed(claimed.ids)
        ],
    )
    assert list(Message.objects.order_by("pk").values()) == before
    assert status_of(prepared).sent == 2
    assert status_of(prepared).uncertain == 0
