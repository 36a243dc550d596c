"""What a person wants is not a report about a message: it counts for the address."""

from itertools import count
from typing import Any

import pytest

from audiences import addresses
from audiences.models import Profile
from audiences.signals import mail_to_be_sent
from delivery.feedback import decisions, intake
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake import Findings
from delivery.models import InboundItem, Message, MessageEvent, UnprovenEffect
from delivery.quarantine.verification import verify_quarantine
from tests.people import person

from .reports import ADDRESS, AT, HOUR, event, item, sent, status

pytestmark = pytest.mark.django_db
OTHER = "bob@shop.example"
numbers = count()
WILLS = ("complaint", "unsubscribe")


def told(*events: FeedbackEvent, is_verified: bool = False) -> InboundItem:
    """An item with these events, read and concluded."""
    source = "provider" if is_verified else "mail"
    arrived = item(b"%d" % next(numbers), source, is_verified=is_verified)
    return intake.settle(arrived, Findings(events=events))


def is_opted_out(profile: Profile) -> bool:
    profile.refresh_from_db()
    return profile.no_longer_contact_email


# ------------------------------------------------------------ with a provider's signature
@pytest.mark.parametrize("kind", WILLS)
def test_a_signed_will_denies_the_address_without_any_message(kind: str) -> None:
    profile = person(email=ADDRESS)
    found = told(event(kind, event_id="1", address=ADDRESS.upper()), is_verified=True)
    assert (found.state, status()) == ("applied", "denylisted")
    # Q4: a complaint is about the address. Unsubscribing is what the person decides.
    assert is_opted_out(profile) is (kind == "unsubscribe")
    assert not profile.no_longer_contact


@pytest.mark.parametrize("kind", WILLS)
def test_a_signed_will_of_an_address_that_nobody_has_is_kept(kind: str) -> None:
    told(event(kind, event_id="1"), is_verified=True)
    assert status() == "denylisted"


def test_of_several_holders_nobody_is_opted_out_for_certain() -> None:
    holders = [person(email=ADDRESS), person(email=ADDRESS)]
    told(event("unsubscribe", event_id="1"), is_verified=True)
    assert status() == "denylisted"
    assert [is_opted_out(profile) for profile in holders] == [False, False]


def test_a_secondary_address_of_one_person_is_certain() -> None:
    profile = person(email=OTHER)
    addresses.attach(profile, "email", ADDRESS)
    told(event("unsubscribe", event_id="1"), is_verified=True)
    assert is_opted_out(profile)


@pytest.mark.parametrize("kind", WILLS)
def test_a_will_counts_once_however_often_it_is_told(kind: str) -> None:
    person(email=ADDRESS)
    for _time in range(3):
        told(event(kind, event_id="1"), is_verified=True)
    assert MessageEvent.objects.count() == 1
    assert list(verify_quarantine()) == []


def test_a_will_with_a_message_on_record_is_about_the_message() -> None:
    message = sent(provider_id="p-1")
    told(event("unsubscribe", event_id="1", provider_id="p-1"), is_verified=True)
    assert is_opted_out(message.profile)
    # The link of the message does what it says; the address may be used again.
    assert status() == "none"


def test_a_signed_failure_without_a_message_waits() -> None:
    person(email=ADDRESS)
    assert told(event(event_id="1"), is_verified=True).state == "unmatched"
    assert status() == "none"


# ------------------------------------------------------------ without: only probable
@pytest.mark.parametrize("kind", WILLS)
def test_what_is_only_probable_holds_the_address_until_somebody_decides(
    kind: str,
) -> None:
    profile = person(email=ADDRESS)
    found = told(event(kind))
    assert (found.state, status(), is_opted_out(profile)) == (
        "held",
        "denylisted",
        False,
    )
    copies = profile.addresses.values_list("quarantine_status", flat=True)
    assert list(copies) == ["denylisted"]
    answers = mail_to_be_sent.send(
        sender=None, channel="email", key=ADDRESS, is_asked_for=True
    )
    assert any(forbidden for _listener, forbidden in answers)
    assert not MessageEvent.objects.exists()


@pytest.mark.parametrize("kind", WILLS)
def test_the_decision_that_it_means_nothing_ends_the_hold(kind: str) -> None:
    person(email=ADDRESS)
    decisions.ignore(told(event(kind)), note="forged", actor="ann")
    assert status() == "valid"
    assert list(verify_quarantine()) == []


@pytest.mark.parametrize("kind", WILLS)
def test_the_decision_that_it_means_stop_counts_for_the_address(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = person(email=ADDRESS)
    found = told(event(kind))
    findings = Findings(events=(event(kind),))
    monkeypatch.setitem(intake.READERS, "mail", lambda item: findings)
    decisions.stop(found, actor="ann")
    assert (found.state, status()) == ("applied", "denylisted")
    assert is_opted_out(profile) is (kind == "unsubscribe")
    assert MessageEvent.objects.get().key == ADDRESS


def test_a_held_item_that_finds_its_message_holds_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = person(email=ADDRESS)
    wish = event("unsubscribe", message_ids=("1@mta",))
    found = told(wish)
    assert status() == "denylisted"
    sent(profile=profile, message_id="1@mta")
    monkeypatch.setitem(intake.READERS, "mail", lambda item: Findings(events=(wish,)))
    assert intake.find_late(AT) == 1
    found.refresh_from_db()
    assert (found.state, status()) == ("applied", "valid")
    assert is_opted_out(profile)


HOLDS_NOTHING: dict[str, list[dict[str, Any]]] = {
    "an address that nobody has": [{"address": "nobody@x.example"}],
    "several addresses": [{}, {"address": OTHER}],
    "no address": [{"address": ""}],
    "a failure": [{"kind": "failed"}],
    "a return path that is not ours": [{"return_paths": ("b+1.1.aaaa@mail.example",)}],
}


@pytest.mark.parametrize("facts", HOLDS_NOTHING.values(), ids=HOLDS_NOTHING)
def test_what_is_not_even_probable_waits_and_holds_nothing(
    facts: list[dict[str, Any]], settings: Any
) -> None:
    settings.BOUNCE_MAILBOX = "b@mail.example"
    person(email=ADDRESS)
    person(email=OTHER)
    events = [event(**{"kind": "complaint", **given}) for given in facts]
    assert told(*events).state == "unmatched"
    assert (status(), status(OTHER)) == ("none", "none")


def test_only_so_many_addresses_are_held_in_an_hour(settings: Any) -> None:
    settings.FEEDBACK_UNPROVEN_AN_HOUR = 3
    held = []
    for number in range(5):
        address = f"{number}@shop.example"
        person(email=address)
        held.append(told(event("complaint", address=address)).state)
    assert held == ["held"] * 3 + ["unmatched"] * 2
    UnprovenEffect.objects.update(at=AT)
    assert told(event("complaint", address="4@shop.example")).state == "held"


def test_what_has_counted_for_the_address_finds_its_message_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The message is then complained about, and nothing counts a second time."""
    profile = person(email=ADDRESS)
    complaint = event("complaint", event_id="1", provider_id="p-1", source="provider")
    told(complaint, is_verified=True)
    message = sent(profile=profile, provider_id="p-1", at=AT - HOUR)
    findings = Findings(events=(complaint,))
    monkeypatch.setitem(intake.READERS, "provider", lambda item: findings)
    for _time in range(2):
        intake.find_late(AT)
    assert Message.objects.get(events__kind="complaint") == message
    assert MessageEvent.objects.count() == 2
    assert (status(), list(verify_quarantine())) == ("denylisted", [])
    # It waits for nothing any more.
    assert intake.find_late(AT) == 0
