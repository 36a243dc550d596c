"""STOP, START and the rest, as recipients text them: what becomes of number and reply."""

import csv
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from audiences import consent
from audiences.channels import Channel
from audiences.consent import Origin, Source
from audiences.models import Profile
from delivery import analysis, deliveries, quarantine
from delivery.feedback import decisions
from delivery.feedback.text_messages import inbound
from delivery.models import (
    InboundItem,
    Keyword,
    MessageEvent,
    QuarantineAction,
    QuarantineEntry,
)
from delivery.quarantine import verification
from delivery.sending.last_check import LastCheck
from tests.factories import ProfileFactory

from .calls import generic, text_message, twilio

pytestmark = pytest.mark.django_db
NUMBER = "+31612345678"
DATA = Path(__file__).resolve().parents[1] / "data" / "sms"


def entry() -> tuple[str, str]:
    found = quarantine.entry_of("sms", NUMBER)
    return (found.status, found.reason) if found else ("valid", "")


def reply(body: str, **more: str) -> str:
    response = text_message(body, NUMBER, **more).post()
    assert response.status_code == 200
    text = response.content.decode()
    return text.partition("<Message>")[2].partition("</Message>")[0]


@pytest.fixture
def person() -> Profile:
    return ProfileFactory(sms=NUMBER, email="ann@example.org", language="nl")


def test_stop_denies_the_number_and_nothing_else(person: Profile) -> None:
    reply("STOP")
    assert entry() == ("denylisted", "stop")
    person.refresh_from_db()
    assert not person.no_longer_contact
    assert not person.no_longer_contact_sms
    copies = dict(person.addresses.values_list("channel", "quarantine_status"))
    assert copies == {"sms": "denylisted", "email": "valid"}


def test_stop_gets_one_confirmation_and_then_nothing(person: Profile) -> None:
    assert "geen sms" in reply("STOP")
    assert reply("STOP") == ""
    assert reply("Stop aub") == ""
    assert reply("please stop texting me") == ""


def test_a_new_stop_after_start_is_confirmed_again(person: Profile) -> None:
    assert reply("STOP")
    assert reply("START")
    assert reply("STOP")


def test_the_reply_is_in_the_language_of_the_profile(person: Profile) -> None:
    assert "meer van ons" in reply("UNSUBSCRIBE")


def test_without_a_profile_the_reply_is_in_the_language_of_the_keyword() -> None:
    assert "meer van ons" in reply("AFMELDEN")


@pytest.mark.parametrize("body", ["START", "unstop", "Yes", "start please"])
def test_start_takes_back_a_stop(person: Profile, body: str) -> None:
    reply("STOP")
    assert "STOP" in reply(body)
    assert entry()[0] == "valid"
    assert person.addresses.get(channel="sms").quarantine_status == "valid"


@pytest.mark.parametrize(
    ("status", "reason"), [("denylisted", "operator"), ("quarantine", "user_unknown")]
)
def test_start_leaves_what_operators_and_errors_did(status: str, reason: str) -> None:
    quarantine.set_status("sms", NUMBER, status, source="operator", reason=reason)
    reply("STOP")
    assert reply("START") == ""
    assert entry() == (status, reason)


def test_start_leaves_an_error_that_came_after_the_stop() -> None:
    reply("STOP")
    quarantine.record("sms", NUMBER, type="hard", reason="user_unknown", source="x")
    assert reply("START") == ""
    assert entry() == ("quarantine", "user_unknown")


def test_start_leaves_the_opt_out_of_the_profile(person: Profile) -> None:
    consent.opt_out(person, "sms", Origin(source=Source.COMMAND, note="by phone"))
    reply("STOP")
    reply("START")
    person.refresh_from_db()
    assert person.no_longer_contact_sms
    assert entry()[0] == "valid"


def test_yes_of_somebody_who_never_stopped_does_nothing() -> None:
    assert reply("YES") == ""
    assert entry()[0] == "valid"


def test_help_is_answered_whatever_the_number_is() -> None:
    assert "STOP" in reply("HELP")
    reply("STOP")
    assert "STOP" in reply("info")
    assert entry() == ("denylisted", "stop")


def test_an_unclear_message_holds_the_number_and_waits(person: Profile) -> None:
    assert reply("Stopt deze aanbieding morgen?") == ""
    assert entry() == ("denylisted", "stop")
    item = InboundItem.objects.get()
    assert item.state == "held"
    assert "aanbieding" in item.note
    assert [mention.key for mention in item.mentions.all()] == [NUMBER]


def test_the_decision_that_it_means_nothing_ends_the_hold() -> None:
    quarantine.record("sms", NUMBER, type="hard", reason="user_unknown", source="x")
    reply("the end")
    decisions.ignore(InboundItem.objects.get(), note="", actor="ann")
    assert entry() == ("quarantine", "user_unknown")
    item = InboundItem.objects.get()
    assert (item.state, item.decided_by) == ("ignored", "ann")


def test_the_decision_that_it_means_stop_denies_the_number() -> None:
    reply("the end")
    inbound.stop(InboundItem.objects.get(), actor="ann")
    assert entry() == ("denylisted", "stop")
    assert reply("START")
    assert entry()[0] == "valid"


def test_each_unclear_message_holds_until_it_is_decided() -> None:
    reply("the end")
    reply("bus stop?")
    first, second = InboundItem.objects.order_by("pk")
    decisions.ignore(first, note="", actor="ann")
    assert entry()[0] == "denylisted"
    decisions.ignore(second, note="", actor="ann")
    assert entry()[0] == "valid"


def test_releasing_a_hold_leaves_a_stop() -> None:
    reply("STOP")
    reply("the end")
    decisions.ignore(InboundItem.objects.get(state="held"), note="", actor="ann")
    assert entry() == ("denylisted", "stop")


def test_an_operator_who_sets_the_number_to_valid_ends_its_hold() -> None:
    reply("the end")
    quarantine.set_status("sms", NUMBER, "valid", source="operator")
    assert entry()[0] == "valid"


def test_a_held_item_that_is_read_again_holds_once() -> None:
    reply("the end")
    item = InboundItem.objects.get()
    decisions.read_again(item)
    assert QuarantineAction.objects.filter(kind="hold").count() == 1
    assert entry()[0] == "denylisted"


def test_looking_at_what_a_held_item_says_changes_nothing() -> None:
    reply("the end")
    item = InboundItem.objects.get()
    decisions.ignore(item, note="", actor="ann")
    assert decisions.reported(item) == []
    assert entry()[0] == "valid"


def test_a_start_ends_a_hold() -> None:
    reply("the end")
    assert reply("START")
    assert entry()[0] == "valid"


@pytest.mark.parametrize("body", ["ja", "👍", "", "Bedankt!"])
def test_a_message_about_something_else_changes_nothing(body: str) -> None:
    assert reply(body) == ""
    assert entry()[0] == "valid"
    assert InboundItem.objects.get().state == "ignored"


def test_a_repeated_call_does_nothing_and_gets_no_reply() -> None:
    assert reply("STOP", sid="SM1")
    assert reply("STOP", sid="SM1") == ""
    assert InboundItem.objects.count() == MessageEvent.objects.count() == 1


def test_a_stop_repeated_after_a_start_stays_in_its_place() -> None:
    call = text_message("STOP", NUMBER, "SM1")
    call.post()
    reply("START")
    call.post()
    assert entry()[0] == "valid"


def test_shuffled_and_repeated_texts_come_to_the_state_of_their_order() -> None:
    now = timezone.now() - timedelta(hours=1)
    texts = [
        {
            "id": str(n),
            "from": NUMBER,
            "text": body,
            "at": str(now + timedelta(minutes=n)),
        }
        for n, body in enumerate(["STOP", "START", "STOP", "START", "STOP"])
    ]
    for content in [texts[4], texts[1], *texts[::-1], *texts, texts[3]]:
        generic("inbound", content).post()
    assert entry() == ("denylisted", "stop")
    generic("inbound", {**texts[1], "id": "9", "at": str(timezone.now())}).post()
    assert entry()[0] == "valid"


def test_what_the_provider_has_answered_is_not_answered_again() -> None:
    assert reply("Genoeg", OptOutType="STOP") == ""
    assert entry() == ("denylisted", "stop")


def test_a_start_of_the_provider_does_not_undo_what_the_text_says() -> None:
    reply("STOP")
    reply("STOP START", OptOutType="START")
    assert entry() == ("denylisted", "stop")


def test_a_sender_without_a_number_waits_for_a_human() -> None:
    text_message("STOP", "ACME").post()
    assert InboundItem.objects.get().state == "unreadable"
    assert not QuarantineEntry.objects.exists()


def test_the_generic_hook_answers_with_the_reply() -> None:
    call = generic("inbound", {"id": "1", "from": NUMBER, "to": "1234", "text": "STOP"})
    assert "START" in call.post().json()["reply"]
    assert entry() == ("denylisted", "stop")


def test_a_database_that_goes_away_while_a_text_is_read_loses_nothing() -> None:
    def away(execute: Any, sql: str, *rest: Any) -> Any:
        if "delivery_keyword" in sql:
            raise OperationalError("the server closed the connection")
        return execute(sql, *rest)

    call = text_message("STOP", NUMBER, "SM1")
    with connection.execute_wrapper(away):
        assert call.call().status_code == 503
    assert InboundItem.objects.get().state == "new"
    assert b"<Message>" in call.post().content
    assert entry() == ("denylisted", "stop")


def test_a_reply_is_escaped_in_the_answer() -> None:
    Keyword.objects.filter(keyword="HELP", language="en").update(reply="a < b & c")
    response = text_message("HELP").post()
    assert b"<Message>a &lt; b &amp; c</Message>" in response.content


def test_a_keyword_of_one_short_code_counts_there_alone() -> None:
    Keyword.objects.create(
        keyword="KLAAR", language="nl", action="opt_out", reply="ok", short_code="1008"
    )
    assert reply("Klaar", To="2009") == ""
    assert entry()[0] == "valid"
    assert reply("Klaar", To="1008") == "ok"


def test_a_keyword_of_other_countries_waits_for_a_human() -> None:
    Keyword.objects.filter(keyword="RED").update(regions="TR")
    assert reply("RED") == ""
    assert InboundItem.objects.get().state == "held"


def test_a_keyword_that_is_switched_off_is_none() -> None:
    Keyword.objects.filter(keyword="INFO").update(is_active=False)
    assert reply("INFO") == ""


def test_an_sms_provider_that_says_the_number_has_stopped_is_believed() -> None:
    twilio(
        {
            "MessageSid": "SM5",
            "MessageStatus": "failed",
            "ErrorCode": "21610",
            "To": NUMBER,
        },
        "status",
    ).post()
    assert entry() == ("denylisted", "stop")
    assert reply("STOP") == ""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (row["body"], row["expected_action"])
        for row in csv.DictReader((DATA / "keyword_cases.csv").open(encoding="utf-8"))
    ],
)
def test_a_text_in_the_cases_ends_as_they_say(body: str, expected: str) -> None:
    quarantine.record(
        "sms",
        NUMBER,
        type="hard",
        reason="stop",
        source="x",
        at=timezone.now() - timedelta(days=1),
    ) if expected == "opt_in" else None
    reply(body)
    states = {"opt_out": "applied", "opt_in": "applied", "review": "held"}
    assert InboundItem.objects.get().state == states.get(expected, "ignored")
    assert (entry()[0] == "denylisted") == (expected in ("opt_out", "review"))


def test_the_stop_of_a_number_excludes_all_who_have_it() -> None:
    people = [ProfileFactory(sms=NUMBER) for _number in range(2)]
    reply("STOP")
    statuses = [p.addresses.get(channel=Channel.SMS).quarantine_status for p in people]
    assert statuses == ["denylisted", "denylisted"]


@pytest.mark.parametrize("body", ["STOP", "the end"])
def test_neither_a_stopped_nor_a_held_number_is_handed_anything(
    body: str, person: Profile
) -> None:
    delivery = deliveries.create("Sale", channel="sms")
    analysis.analyse(delivery)
    assert LastCheck(delivery).excluded(0, person.pk) == {}
    reply(body)
    assert LastCheck(delivery).excluded(0, person.pk) == {
        person.pk: "address_denylisted"
    }
    causes = {c.code: c.count for c in analysis.dry_run(delivery).causes}
    assert causes["address_denylisted"] == 1


def test_entries_are_what_their_evidence_gives_at_each_step(person: Profile) -> None:
    for body in ("STOP", "the end", "START", "bus stop", "STOP", "UNSTOP", "ja"):
        reply(body)
        assert list(verification.verify_quarantine()) == [], body
    for item in InboundItem.objects.filter(state="held"):
        decisions.ignore(item, note="", actor="ann")
        assert list(verification.verify_quarantine()) == []
    assert entry()[0] == "valid"
