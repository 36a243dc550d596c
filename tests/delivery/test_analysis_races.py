"""Two sessions in a fixed order: what is committed before a run is ready is in it."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from audiences import consent, membership, privacy, subscriptions, wishes
from audiences.models import Address, ConsentEvent, Profile
from delivery import analysis
from delivery.models import Analysis, Delivery, Outcome
from delivery.rules import writing
from tests.chaos.analysis import Trial
from tests.factories import BY_COMMAND, ServiceFactory, many_profiles
from tests.people import ago, got

from .oracle import Oracle
from .sessions import Session, after, before, open_transaction
from .worlds import block, delivery_of, give, person, rows_of

pytestmark = [
    pytest.mark.usefixtures("transactional_db"),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer"),
]
BECOMING_READY = 'UPDATE "delivery_analysis" SET "ready_in"'
WARNING = 'INSERT INTO "delivery_outcomewarning"'
TAKING_THE_LOCK = "SELECT set_config('lock_timeout'"
DRAWING_IDS = "SELECT nextval(pg_get_serial_sequence"
MORE_EVENTS = 20_100


@pytest.fixture
def people(settings: object) -> list[Profile]:
    settings.ANALYSIS_CHUNK_SIZE = 20  # type: ignore[attr-defined]
    return [person(f"{number}@shop.example") for number in range(50)]


def delivery_to(people: list[Profile], label: str = "News", **facts: Any) -> Delivery:
    """A delivery to these alone; others only make the history longer."""
    listed = membership.list_of(f"for {label}", ids(people))
    return delivery_of(label, audience=lambda: listed, **facts)


def once(act: Callable[[], object]) -> Callable[..., None]:
    """Do it the first time only."""
    left = [act]

    def run(*arguments: object) -> None:
        if left:
            left.pop()()

    return run


def ids(people: list[Profile]) -> list[int]:
    return [profile.pk for profile in people]


def causes(delivery: Delivery, people: list[Profile]) -> set[str | None]:
    decided = rows_of(delivery)
    return {decided[profile.pk] for profile in people}


def others_opt_out() -> None:
    """Somebody else commits more events than any slack would allow for."""
    others = many_profiles(MORE_EVENTS)
    Address.objects.bulk_create(
        Address(profile=profile, channel="fax", value="1", key=str(profile.pk))
        for profile in others
    )
    theirs = Profile.objects.filter(pk__gte=others[0].pk)
    assert consent.opt_out_all(theirs, "sms", BY_COMMAND) == MORE_EVENTS


def test_opt_outs_of_an_open_transaction_are_in_it_whatever_others_commit(
    people: list[Profile],
) -> None:
    delivery = delivery_to(people)
    ours = Profile.objects.filter(pk__in=ids(people))
    bulk = open_transaction(lambda: consent.opt_out_all(ours, "email", BY_COMMAND))
    others_opt_out()
    analysis.analyse(delivery, on_progress=once(bulk.finish))
    assert causes(delivery, people) == {"denylist_channel"}


def test_unsubscriptions_of_an_import_that_has_drawn_its_ids_are_in_it(
    people: list[Profile], tmp_path: Path
) -> None:
    service = ServiceFactory(slug="weekly")
    for profile in people:
        subscriptions.subscribe(profile, service, BY_COMMAND)
    delivery = delivery_to(people, service=service)
    file = tmp_path / "acts.csv"
    rows = [f"id:{profile.pk},weekly,unsubscribe" for profile in people]
    file.write_text("\n".join(["profile,service,action", *rows]), encoding="utf-8")

    def import_slowly(session: Session) -> None:
        with after(DRAWING_IDS, session.pause):
            call_command("import_subscriptions", str(file))

    import_ = Session(import_slowly).reach_pause()
    others_opt_out()
    analysis.analyse(delivery, on_progress=once(import_.finish))
    assert ConsentEvent.objects.filter(kind="unsubscribe").count() == 50
    assert causes(delivery, people) == {"not_subscribed"}


@pytest.mark.parametrize("point", [WARNING, TAKING_THE_LOCK])
def test_an_opt_out_after_the_judgement_is_in_it(
    people: list[Profile], point: str
) -> None:
    delivery = delivery_of()

    def opt_out() -> None:
        left = Profile.objects.filter(no_longer_contact_email=False)
        session = Session(lambda _s: consent.opt_out(left[0], "email", BY_COMMAND))
        session.start()
        session.finish()

    with before(point, once(opt_out)):
        report = analysis.analyse(delivery)
    out = list(Profile.objects.filter(no_longer_contact_email=True))
    assert out
    assert causes(delivery, out) == {"denylist_channel"}
    assert report.to_deliver == len(people) - len(out)


def test_an_opt_out_during_the_last_look_is_committed_after_it(
    people: list[Profile],
) -> None:
    delivery = delivery_of()
    is_out = Event()

    def opt_out(_session: Session) -> None:
        consent.opt_out(people[0], "email", BY_COMMAND)
        is_out.set()

    writer = Session(opt_out)

    def begin() -> None:
        writer.start()
        assert not is_out.wait(0.3)

    with before(BECOMING_READY, begin):
        assert analysis.analyse(delivery).state == "ready"
    writer.finish()
    assert is_out.is_set()
    assert causes(delivery, people) == {None}


def test_a_run_waits_for_whoever_has_written_and_not_committed(
    people: list[Profile],
) -> None:
    delivery = delivery_of()
    bulk = open_transaction(
        lambda: block("email", people[3].addresses.get().key, "quarantine")
    )
    states = []

    def watch() -> bool:
        states.append(Analysis.objects.get().state)
        if len(states) == 8:
            bulk.finish()
        return False

    analysis.analyse(delivery, should_stop=watch)
    assert (len(states), {*states}) == (8, {"running"})
    assert causes(delivery, [people[3]]) == {"address_quarantined"}


def test_a_run_that_waits_can_be_stopped_and_resumed(people: list[Profile]) -> None:
    delivery = delivery_of()
    bulk = open_transaction(lambda: consent.opt_out(people[0], "any", BY_COMMAND))
    asked: list[bool] = []

    def has_waited() -> bool:
        asked.append(True)
        return len(asked) > 8

    assert analysis.analyse(delivery, should_stop=has_waited).state == "stopped"
    bulk.finish()
    assert analysis.analyse(delivery).state == "ready"
    assert delivery.analyses.count() == 1
    assert rows_of(delivery) == Oracle(delivery).outcomes


def test_while_a_run_waits_for_one_writer_others_go_on(people: list[Profile]) -> None:
    delivery = delivery_of()
    bulk = open_transaction(lambda: consent.opt_out(people[0], "any", BY_COMMAND))
    run = Thread(target=lambda: (analysis.analyse(delivery), connection.close()))
    run.start()
    for profile in people[1:11]:
        consent.opt_out(profile, "email", BY_COMMAND)
    time.sleep(0.2)
    bulk.finish()
    run.join()
    assert rows_of(delivery) == Oracle(delivery).outcomes


def test_somebody_erased_while_it_ends_is_not_in_it(people: list[Profile]) -> None:
    delivery = delivery_of()
    gone = people[7].pk

    def erase() -> None:
        session = Session(lambda _session: privacy.erase(people[7]))
        session.start()
        session.finish()

    with before(WARNING, once(erase)):
        assert analysis.analyse(delivery).targeted == 49
    assert not Outcome.objects.filter(delivery=delivery, profile_id=gone).exists()


def test_an_address_that_is_freed_goes_to_the_next_one(people: list[Profile]) -> None:
    give(people[1], "email", "0@shop.example", primary=True)
    delivery = delivery_of()

    def opt_out() -> None:
        session = Session(lambda _s: consent.opt_out(people[0], "email", BY_COMMAND))
        session.start()
        session.finish()

    with before(TAKING_THE_LOCK, once(opt_out)):
        report = analysis.analyse(delivery)
    assert causes(delivery, [people[0]]) == {"denylist_channel"}
    assert causes(delivery, [people[1]]) == {None}
    warned = {line.code: line.count for line in report.warnings}
    assert warned["shares_address_with_opted_out"] == 1
    assert rows_of(delivery) == Oracle(delivery).outcomes


@pytest.mark.parametrize("point", [WARNING, TAKING_THE_LOCK])
def test_two_that_end_at_once_cannot_both_take_a_person_over_the_limit(
    people: list[Profile], point: str
) -> None:
    writing.create_fatigue_rule("one", maximum=1, period_days=7, channel="email")
    typology = writing.create_typology("once", rules=["one"])
    soon = timezone.now() + timedelta(hours=1)
    first, second = (
        delivery_of(label, typology=typology, contact_date=soon) for label in "AB"
    )

    def prepare_second() -> None:
        session = Session(lambda _session: analysis.analyse(second))
        session.start()
        session.finish()

    with before(point, once(prepare_second)):
        report = analysis.analyse(first)
    assert causes(second, people) == {None}
    assert causes(first, people) == {"fatigue:one"}
    assert report.to_deliver == 0


def test_opt_outs_at_random_are_in_the_run_that_becomes_ready_after_them(
    people: list[Profile], settings: object
) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 300  # type: ignore[attr-defined]
    for profile in many_profiles(900):
        give(profile, "email", f"{profile.pk // 2}@many.example")
    for number in range(2):
        delivery = delivery_of(f"Run {number}")
        left = Profile.objects.filter(
            no_longer_contact_email=False, addresses__id__gt=0
        )
        trial = Trial(delivery, [*left.values_list("pk", flat=True)], 200, number)
        trial.run(settle=0.1)
        assert trial.written
        assert trial.missed() == []


@pytest.mark.parametrize("point", [WARNING, TAKING_THE_LOCK])
@pytest.mark.parametrize("code", ["paused", "own_limit"])
def test_a_wish_after_the_judgement_is_in_it(
    people: list[Profile], point: str, code: str
) -> None:
    ann, delivery = people[7], delivery_of()
    got(ann, ago(3))

    def ask(_session: Session) -> None:
        facts: dict[str, Any] = {"per_month": 1}
        if code == "paused":
            facts = {"paused_until": timezone.now() + timedelta(days=90)}
        wishes.express(ann, "any", BY_COMMAND, **facts)

    def asks() -> None:
        session = Session(ask)
        session.start()
        session.finish()

    with before(point, once(asks)):
        report = analysis.analyse(delivery)
    assert causes(delivery, [ann]) == {code}
    assert report.to_deliver == len(people) - 1
    assert Oracle(delivery).outcomes == rows_of(delivery)
