"""What arrived is not kept for ever, and goes with the person that it names."""

from datetime import timedelta
from typing import Any

import pytest

from audiences.privacy import erase
from delivery.feedback import decisions, erasure, intake
from delivery.feedback.intake import Findings
from delivery.feedback.intake.concluding import conclude
from delivery.models import InboundItem, InboundMention, MessageEvent, QuarantineEntry
from delivery.quarantine.verification import verify_quarantine
from tests.privacy import everything

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
    assert [status(name) for _channel, name in names] == ["none", "denylisted"]
    conclude(other, InboundItem.State.IGNORED, actor="op")
    assert status("bob@shop.example") == "valid"
    assert not InboundItem.objects.filter(state="held").exists()
    assert list(verify_quarantine()) == []


def test_a_report_about_an_erased_person_changes_nothing() -> None:
    message = sent(message_id="1@mta")
    erase(message.profile)
    told = event(message_ids=("1@mta",), text=f"550 {ADDRESS} is unknown")
    late = settled(
        f"{ADDRESS} is unknown".encode(), told, mentions=(("email", ADDRESS),)
    )
    assert (late.state, status()) == ("applied", "none")
    # It is counted, and names nobody.
    kept = MessageEvent.objects.get()
    assert (kept.message, kept.kind) == (message, "failed")
    assert (kept.key, kept.text, kept.domain) == (None, None, None)
    assert ADDRESS not in everything.dump().casefold()
    # The same report again counts no second time, and stores nothing either.
    settled(f"again: {ADDRESS} is unknown".encode(), told)
    assert MessageEvent.objects.count() == 1
    assert ADDRESS not in everything.dump().casefold()


@pytest.mark.parametrize("is_verified", [True, False])
@pytest.mark.parametrize("kind", ["failed", "complaint", "unsubscribe"])
def test_what_names_an_erased_address_and_no_message_is_forgotten(
    kind: str, is_verified: bool
) -> None:
    erase(sent(message_id="1@mta").profile)
    raw = f"a report about {ADDRESS}".encode()
    about = item(raw, is_verified=is_verified, external_id=f"mail of {ADDRESS}")
    intake.settle(about, Findings(events=(event(kind, text=f"to {ADDRESS}"),)))
    about.refresh_from_db()
    assert not about.is_waiting
    assert ADDRESS not in everything.dump().casefold()
    # Whoever comes back is somebody again.
    sent(message_id="2@mta")
    back = item(b"2", is_verified=True)
    intake.settle(back, Findings(events=(event("complaint"),)))
    assert status() == "denylisted"


def test_what_is_also_about_others_still_waits_for_them() -> None:
    erase(sent(message_id="1@mta").profile)
    late = settled(
        f"about {ADDRESS} and bob@shop.example".encode(),
        event(message_ids=("1@mta",)),
        event(address="bob@shop.example", message_ids=("9@mta",)),
    )
    late.refresh_from_db()
    assert late.state == "unmatched"
    assert bytes(late.raw) == b"about [erased] and bob@shop.example"
    assert [m.key for m in late.mentions.all()] == ["bob@shop.example"]
    assert ADDRESS not in everything.dump().casefold()


def test_a_decision_of_an_operator_about_an_erased_person_forgets_it_too() -> None:
    message = sent(message_id="1@mta")
    waiting = settled(b"a letter", otherwise=InboundItem.State.UNREADABLE)
    erase(message.profile)
    message.refresh_from_db()
    decisions.match_to(waiting, message, actor="op", says="hard")
    waiting.refresh_from_db()
    assert (waiting.state, bytes(waiting.raw)) == ("applied", b"")
    assert status() == "none"


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
