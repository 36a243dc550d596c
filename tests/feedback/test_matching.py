"""A report counts when it proves that it is about a message that we sent."""

from typing import Any

import pytest

from delivery.feedback import intake, return_path
from delivery.feedback.intake import EventOutcome
from delivery.models import InboundItem, Message, MessageEvent

from .reports import ADDRESS, AT, DAY, HOUR, dsn, event, item, sent, status

pytestmark = pytest.mark.django_db
OTHER = "victim@shop.example"


@pytest.fixture(autouse=True)
def _mailbox(settings: Any) -> None:
    settings.BOUNCE_MAILBOX = "bounces@mail.example"


def path_of(message: Message) -> str:
    return return_path.address(message.delivery_id, message.profile_id)


PROOFS: dict[str, dict[str, Any]] = {
    "message id": {"message_ids": ("1@mta",)},
    "one of several message ids": {"message_ids": ("other@mta", "1@mta")},
    "provider's number": {"provider_id": "p-1"},
}


@pytest.mark.parametrize("clue", PROOFS.values(), ids=PROOFS)
@pytest.mark.parametrize("stored", ["1@mta", "<1@mta>"])
def test_a_number_of_the_message_proves_it(clue: Any, stored: str) -> None:
    message = sent(message_id=stored, provider_id="p-1")
    applied = intake.apply(event(**clue), item())
    assert (applied.outcome, applied.match.message) == (EventOutcome.APPLIED, message)
    assert status() == "quarantine"


def test_a_signed_return_path_proves_it_in_any_letter_case() -> None:
    message = sent()
    path = path_of(message).upper()
    assert len(path.partition("@")[0]) <= 64
    applied = intake.apply(event(return_paths=("postmaster@x", path)), item())
    assert applied.match.message == message
    assert status() == "quarantine"


def test_the_longest_ids_fit_into_a_return_path() -> None:
    assert return_path.read(return_path.address(2**63 - 1, 2**63 - 1))


def test_without_a_mailbox_there_is_no_return_path(settings: Any) -> None:
    settings.BOUNCE_MAILBOX = ""
    assert return_path.address(1, 1) == ""


def forged_path(message: Message) -> str:
    path = path_of(message)
    token = path.partition("+")[2]
    return path.replace(token[:3], "zz.", 1)


FORGED: dict[str, dict[str, Any]] = {
    "nothing but the address": {},
    "an unknown Message-ID": {"message_ids": ("2@mta",)},
    "an unknown number of the provider": {"provider_id": "p-2"},
    "an unsigned return path": {"return_paths": ("bounces+1.1@mail.example",)},
    "an empty Message-ID": {"message_ids": ("", "<>", " ")},
}


@pytest.mark.parametrize("clue", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("kind", ["failed", "complaint", "unsubscribe", "stop"])
def test_a_forged_report_changes_nothing_and_waits(clue: Any, kind: str) -> None:
    message = sent(message_id="1@mta", provider_id="p-1")
    applied = intake.apply(event(kind, **clue), item())
    assert applied.outcome == EventOutcome.UNMATCHED
    message.profile.refresh_from_db()
    assert (status(), message.profile.no_longer_contact_email) == ("none", False)
    assert not MessageEvent.objects.exists()


def test_a_changed_token_proves_nothing() -> None:
    message = sent()
    applied = intake.apply(event(return_paths=(forged_path(message),)), item())
    assert (applied.outcome, status()) == (EventOutcome.UNMATCHED, "none")


def test_a_report_counts_only_against_the_address_of_its_message() -> None:
    """A mailbox that forwards fails elsewhere; a recipient knows its own number only."""
    sent(message_id="1@mta")
    sent(OTHER, label="News", message_id="2@mta")
    intake.apply(event(address=OTHER, message_ids=("1@mta",)), item())
    assert (status(ADDRESS), status(OTHER)) == ("quarantine", "none")


@pytest.mark.parametrize("clue", PROOFS.values(), ids=PROOFS)
@pytest.mark.parametrize("kind", ["failed", "complaint", "unsubscribe"])
def test_the_proof_counts_whether_or_not_the_report_hides_the_address(
    kind: str, clue: Any
) -> None:
    message = sent(message_id="1@mta", provider_id="p-1")
    applied = intake.apply(event(kind, address="", **clue), item())
    assert applied.match.message == message
    message.profile.refresh_from_db()
    is_wish = kind == "unsubscribe"
    assert message.profile.no_longer_contact_email is is_wish
    assert (status() != "none") is not is_wish


def test_a_return_path_proves_a_report_that_names_nobody() -> None:
    message = sent()
    applied = intake.apply(event(address="", return_paths=(path_of(message),)), item())
    assert (applied.match.message, status()) == (message, "quarantine")


def test_a_hidden_address_of_many_is_for_a_human_with_proposals() -> None:
    messages = {sent(message_id="bulk@mta"), sent(OTHER, message_id="bulk@mta")}
    applied = intake.apply(event(address="", message_ids=("bulk@mta",)), item())
    assert applied.outcome == EventOutcome.UNMATCHED
    assert set(applied.match.proposals) == messages


def test_a_shared_number_without_a_signature_moves_only_a_few(settings: Any) -> None:
    """All recipients of the others know it, and could write such a report."""
    settings.FEEDBACK_UNPROVEN_AN_HOUR = 2
    people = [f"p{number}@shop.example" for number in range(4)]
    for address in people:
        sent(address, message_id="bulk@mta")
    for address in people:
        raw = dsn("bulk@mta", address)
        intake.process(intake.receive("mail", raw, received_at=AT + DAY)[0])
    assert [status(a) for a in people] == ["quarantine"] * 2 + ["none"] * 2
    assert intake.find_late(AT + DAY) == 0
    assert InboundItem.objects.filter(state="unmatched").count() == 2


@pytest.mark.parametrize("kind", ["complaint", "unsubscribe"])
def test_a_shared_number_proves_no_will(kind: str) -> None:
    sent(message_id="bulk@mta")
    sent(OTHER, message_id="bulk@mta")
    told = event(kind, message_ids=("bulk@mta",))
    assert intake.apply(told, item()).outcome == EventOutcome.UNMATCHED
    signed = item(b"signed", source="provider", is_verified=True)
    assert intake.apply(told, signed).outcome == EventOutcome.APPLIED


def test_one_number_for_many_recipients_needs_the_address() -> None:
    sent(message_id="bulk@mta")
    sent(OTHER, message_id="bulk@mta")
    clue = {"message_ids": ("bulk@mta",)}
    unknown = intake.apply(event(address="who@x.example", **clue), item())
    assert unknown.outcome == EventOutcome.UNMATCHED
    intake.apply(event(address=OTHER.upper(), **clue), item())
    assert (status(ADDRESS), status(OTHER)) == ("none", "quarantine")


def test_one_number_for_very_many_recipients_finds_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("delivery.feedback.intake.matching.MOST_ALIKE", 2)
    for number in range(4):
        sent(f"{number}@shop.example", message_id="bulk@mta")
    intake.apply(event(address="0@shop.example", message_ids=("bulk@mta",)), item())
    found = [status(f"{number}@shop.example") for number in range(4)]
    assert found == ["quarantine", "none", "none", "none"]


def test_one_number_in_two_deliveries_to_one_address_counts_for_the_newest() -> None:
    ann = sent(message_id="bulk@mta").profile
    newest = sent(label="Again", message_id="bulk@mta", profile=ann)
    applied = intake.apply(event(message_ids=("bulk@mta",)), item())
    assert (applied.match.message, status()) == (newest, "quarantine")


PERIODS = {
    "within the period": (AT + 29 * DAY, True, True),
    "after the period": (AT + 31 * DAY, True, False),
    "before the message": (AT - 2 * DAY, True, False),
    "nothing vouches for it": (AT + HOUR, False, False),
}


@pytest.mark.parametrize(("at", "verified", "counts"), PERIODS.values(), ids=PERIODS)
def test_address_and_period_count_when_a_signature_vouches(
    at: Any, verified: bool, counts: bool
) -> None:
    message = sent(ADDRESS.upper(), message_id="1@mta")
    arrived = item(is_verified=verified, received_at=AT + 40 * DAY)
    applied = intake.apply(event(at=at), arrived)
    assert (applied.match.message == message) is counts
    assert status() == ("quarantine" if counts else "none")


def test_what_is_only_likely_is_proposed_to_a_human() -> None:
    message = sent(message_id="1@mta")
    sent(OTHER)
    assert intake.apply(event(), item()).match.proposals == (message,)


TRUSTED_UNNUMBERED: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "no number on either side": ({}, {}, True),
    "a number that is not on record": ({}, {"message_ids": ("2@mta",)}, True),
    "a number on record": ({"message_id": "1@mta"}, {}, False),
    "a provider's number on record": ({"provider_id": "p-1"}, {}, False),
    "the bare mailbox": ({}, {"return_paths": ("bounces@mail.example",)}, True),
}


@pytest.mark.parametrize(
    ("facts", "clue", "counts"), TRUSTED_UNNUMBERED.values(), ids=TRUSTED_UNNUMBERED
)
def test_a_site_may_trust_address_and_period_where_no_number_is_on_record(
    facts: Any, clue: Any, counts: bool, settings: Any
) -> None:
    settings.FEEDBACK_TRUST_UNNUMBERED, settings.BOUNCE_MAILBOX = True, ""
    sent(**facts)
    applied = intake.apply(event(**clue), item())
    assert (applied.outcome == EventOutcome.APPLIED) is counts
    assert status() == ("quarantine" if counts else "none")


def test_a_token_of_another_message_contradicts_address_and_period() -> None:
    sent()
    gone = return_path.address(99, 99)
    vouched = item(is_verified=True)
    applied = intake.apply(event(return_paths=(gone,)), vouched)
    assert (applied.outcome, applied.match.proposals) == (EventOutcome.UNMATCHED, ())


def test_another_channel_is_another_message() -> None:
    sent("+31612345678", channel="sms", message_id="1@mta")
    applied = intake.apply(event(message_ids=("1@mta",)), item())
    assert applied.outcome == EventOutcome.UNMATCHED
