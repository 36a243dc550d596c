"""What arrived is not kept for ever, and goes with the person that it names."""

from datetime import timedelta
from typing import Any

import pytest

from audiences.privacy import erase
from delivery.feedback import erasure, intake
from delivery.feedback.intake import Findings
from delivery.feedback.intake.concluding import conclude
from delivery.models import InboundItem, InboundMention, MessageEvent, QuarantineEntry
from delivery.quarantine.verification import verify_quarantine

from .reports import ADDRESS, AT, DAY, HOUR, event, item, sent, status

pytestmark = pytest.mark.django_db


def settled(raw: bytes, *events: Any, **rest: Any) -> InboundItem:
    return intake.settle(item(raw), Findings(events=events, **rest))


def test_an_erasure_takes_what_arrived_about_the_person_and_nothing_else() -> None:
    message = sent(message_id="1@mta")
    sent("bob@shop.example", message_id="2@mta")
    soft = event(type="soft", message_ids=("1@mta",), text="ann is not here")
    about = settled(b"about ann", soft)
    guessed = settled(b"may be about ann", event(message_ids=("9@mta",)))
    other = settled(
        b"about bob", event(address="bob@shop.example", message_ids=("2@mta",))
    )
    delivered = event("delivered", at=AT + 2 * HOUR, message_ids=("1@mta",))
    settled(b"delivered", delivered)
    erase(message.profile)
    for erased in (about, guessed):
        erased.refresh_from_db()
        assert (bytes(erased.raw), erased.is_waiting) == (b"", False)
    other.refresh_from_db()
    assert bytes(other.raw) == b"about bob"
    assert not InboundMention.objects.filter(key=ADDRESS).exists()
    for kept in MessageEvent.objects.filter(message=message):
        assert (kept.key, kept.text, kept.domain) == (None, None, None)
    # The address was nobody else's: what is known of it goes too.
    assert not QuarantineEntry.objects.filter(key=ADDRESS).exists()
    assert status() == "none"
    assert list(verify_quarantine()) == []


def test_an_erasure_ends_what_waited_for_a_decision_about_the_person() -> None:
    message = sent(message_id="1@mta")
    names = tuple(("email", name) for name in (ADDRESS, "bob@shop.example"))
    for text in (b"unclear", b"as unclear"):
        settled(text, otherwise=InboundItem.State.HELD, mentions=names)
    other = settled(
        b"about bob", otherwise=InboundItem.State.HELD, mentions=(names[1],)
    )
    assert [status(name) for _channel, name in names] == ["denylisted"] * 2
    erase(message.profile)
    # Bob is still held for what only names him.
    assert [status(name) for _channel, name in names] == ["valid", "denylisted"]
    conclude(other, InboundItem.State.IGNORED, actor="op")
    assert status("bob@shop.example") == "valid"
    assert not InboundItem.objects.filter(state="held").exists()
    assert list(verify_quarantine()) == []


def test_a_report_about_an_erased_person_changes_nothing() -> None:
    message = sent(message_id="1@mta")
    erase(message.profile)
    late = settled(b"late", event(message_ids=("1@mta",)))
    assert (late.state, status()) == ("applied", "none")
    assert MessageEvent.objects.get().key is None


def test_what_is_done_with_goes_after_a_time_and_what_waits_stays(
    settings: Any,
) -> None:
    settings.FEEDBACK_DAYS = 30
    sent(message_id="1@mta")
    settled(b"applied", event(message_ids=("1@mta",)))
    waiting = settled(b"unmatched", event())
    received = waiting.received_at
    assert erasure.clean_up(received + 29 * DAY) == 0
    assert erasure.clean_up(received + 30 * DAY + timedelta(seconds=1)) == 1
    assert InboundItem.objects.get() == waiting
    assert (MessageEvent.objects.get().item, status()) == (None, "quarantine")
