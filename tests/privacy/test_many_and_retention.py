"""Erasures of many need a second person, and so does a rule that erases by time."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from audiences import consent, privacy
from audiences.consent import Origin
from audiences.models import ConsentEvent, ConsentEvidence, ErasureRun, Profile
from audiences.privacy import many, requests, retention
from audiences.tasks import run_retention, wake_privacy_work
from tests.factories import many_profiles
from tests.people import ago, got, person

pytestmark = pytest.mark.django_db
BY = Origin(source="operator", actor="eva", note="asked by phone")


def _ids(count: int) -> list[int]:
    many_profiles(count)
    return list(Profile.objects.values_list("pk", flat=True))


def test_ten_are_erased_by_one_person_and_eleven_by_two() -> None:
    run = many.ask(_ids(10), actor="olga", note="closed shop")
    assert run.state == "waiting"
    many.perform(run)
    assert (run.state, run.erased, Profile.objects.count()) == ("done", 10, 0)
    run = many.ask(_ids(120), actor="olga", note="closed shop")
    late = person(first_name="Late")
    wake_privacy_work()
    many.perform(run)
    assert (run.state, Profile.objects.count()) == ("asked", 121)
    for nobody in ("olga", ""):
        with pytest.raises(many.NotPossible, match="another person"):
            many.confirm(run, actor=nobody)
    many.confirm(run, actor="bert")
    with pytest.raises(many.NotPossible, match="does not wait"):
        many.confirm(run, actor="carl")
    many.perform(run)
    assert (run.state, run.erased, run.people) == ("done", 120, [])
    assert Profile.objects.get() == late
    proof = ConsentEvent.objects.filter(kind="erase").latest("pk").evidence
    assert proof.actor == "olga, bert"
    assert proof.note == f"Erasure of many #{run.pk}: closed shop"


def test_ten_after_ten_are_more_than_ten() -> None:
    """What is stopped does not count, nor what somebody else has decided."""
    ids = _ids(10)

    def ask(count: int, actor: str = "olga") -> ErasureRun:
        return many.ask(ids[:count], actor=actor, note="closed shop")

    assert (ask(6).state, ask(6, "bert").state) == ("waiting", "waiting")
    second = ask(5)
    assert second.state == "asked"
    many.stop(second)
    assert (ask(4).state, ask(1).state) == ("waiting", "asked")
    ErasureRun.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert ask(10).state == "waiting"


@pytest.mark.parametrize(
    ("ids", "note", "said"),
    [
        ([], "x", "Nobody was chosen"),
        ([1], " ", "Say why"),
        (range(10_001), "x", "more"),
    ],
)
def test_what_cannot_be_asked(ids: list[int], note: str, said: str) -> None:
    with pytest.raises(many.NotPossible, match=said):
        many.ask(ids, actor="olga", note=note)


def test_an_erasure_of_many_can_be_stopped_and_the_database_wants_two() -> None:
    run = many.ask(_ids(11), actor="olga", note="n")
    assert many.stop(run)
    assert not many.stop(run)
    many.perform(run)
    assert Profile.objects.count() == 11
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        ErasureRun.objects.filter(pk=run.pk).update(confirmed_by="olga")


def _old(name: str, **facts: object) -> Profile:
    profile = person(first_name=name, **facts)
    Profile.objects.filter(pk=profile.pk).update(created_at=ago(800))
    return profile


def test_inactive_people_are_counted_then_erased_once_two_agree() -> None:
    gone = [
        _old(f"Gone{number}", email=f"g{number}@shop.example") for number in range(3)
    ]
    written, acted, restricted, waits = (
        *(_old("Written"), _old("Acted"), _old("Restricted"), _old("Waits")),
    )
    person(first_name="New")
    got(written, ago(30))
    consent.opt_out(acted, "sms", BY)
    asked = requests.record(restricted, "restriction", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga")
    requests.record(waits, "access", actor="eva")
    ConsentEvent.objects.filter(profile=restricted).exists()
    retention.set_rule("inactive", 12, actor="olga")
    standing = next(s for s in retention.standings() if s.sort.code == "inactive")
    assert (standing.due, standing.words) == (3, "would erase 3 people")
    assert not standing.is_in_force
    run_retention()
    assert Profile.objects.count() == 8
    with pytest.raises(retention.NotPossible, match="another person"):
        retention.confirm("inactive", 12, actor="olga")
    with pytest.raises(retention.NotPossible, match="changed meanwhile"):
        retention.confirm("inactive", 24, actor="bert")
    rule = retention.confirm("inactive", 12, actor="bert")
    assert retention.run() == {"inactive": 3}
    rule.refresh_from_db()
    assert (rule.removed, rule.ran_at is not None) == (3, True)
    assert not Profile.objects.filter(pk__in=[p.pk for p in gone]).exists()
    assert Profile.objects.count() == 5
    proof = ConsentEvent.objects.filter(kind="erase").latest("pk").evidence
    assert (proof.actor, proof.note) == (
        "olga, bert",
        "Retention: inactive after 12 months",
    )
    # Another number has to be confirmed again.
    retention.set_rule("inactive", 1, actor="olga")
    assert retention.run() == {}


def test_texts_of_requests_and_notes_of_erasures_end() -> None:
    one, two = person(first_name="One"), person(first_name="Two")
    asked = requests.record(one, "correction", "my name is wrong", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga", note="done")
    privacy.erase(two, origin=BY)
    for code in ("requests", "erased"):
        retention.set_rule(code, 12, actor="olga")
        retention.confirm(code, 12, actor="bert")
    assert retention.run() == {"requests": 0, "erased": 0}
    later = timezone.now() + timedelta(days=370)
    assert retention.run(later) == {"requests": 1, "erased": 1}
    asked.refresh_from_db()
    assert (asked.text, asked.note, asked.state) == ("", "", "done")
    assert ConsentEvent.objects.filter(kind="erase").exists()
    assert not ConsentEvidence.objects.filter(event__kind="erase").exists()


@pytest.mark.parametrize(
    ("months", "day"), [(1, (2028, 2, 29)), (13, (2027, 2, 28)), (12, (2027, 3, 31))]
)
def test_months_are_those_of_the_calendar(months: int, day: tuple[int, ...]) -> None:
    now = datetime(2028, 3, 31, 12, tzinfo=UTC)
    at = retention._before(months, now)
    assert (at.year, at.month, at.day) == day


def test_a_rule_of_no_kind_or_no_number_is_refused() -> None:
    with pytest.raises(retention.NotPossible, match="There are: inactive"):
        retention.set_rule("nothing", 1, actor="olga")
    with pytest.raises(retention.NotPossible, match="from 1 to"):
        retention.set_rule("inactive", 0, actor="olga")


def test_the_command_says_what_it_would_do_and_does_what_is_in_force(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _old("Gone")
    retention.set_rule("inactive", 12, actor="olga")

    def told(*options: str) -> dict[str, object]:
        call_command("run_retention", "--json", *options)
        rules = json.loads(capsys.readouterr().out)["rules"]
        return next(rule for rule in rules if rule["rule"] == "inactive")

    facts = {"rule": "inactive", "months": 12, "in_force": False}
    assert told("--dry-run") == {**facts, "would_remove": 1, "removed": 0}
    assert told() == {**facts, "would_remove": 1, "removed": 0}
    retention.confirm("inactive", 12, actor="bert")
    assert told() == {**facts, "in_force": True, "would_remove": 0, "removed": 1}
