"""Runs are repeated, stopped, resumed and refused; a dry run stores nothing."""

from collections.abc import Callable
from threading import Event, Thread

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import consent, membership, subscriptions
from audiences.models import Profile
from delivery import analysis
from delivery.analysis import chunks, runs
from delivery.models import Analysis, Delivery, Message, Outcome
from tests.people import is_, tree

from .oracle import Oracle
from .worlds import (
    ORIGIN,
    assert_as_oracle,
    assert_report,
    block,
    delivery_of,
    give,
    person,
    rows_of,
)

pytestmark = pytest.mark.django_db
A, B = "a@shop.example", "b@shop.example"


@pytest.fixture
def delivery(settings: object) -> Delivery:
    settings.ANALYSIS_CHUNK_SIZE = 2  # type: ignore[attr-defined]
    for text in (A, A, B, "", A):
        person(text)
    return delivery_of()


def _stop_at_once(delivery: Delivery) -> None:
    report = analysis.analyse(delivery, should_stop=lambda: True)
    assert report.state == "stopped"
    assert len(rows_of(delivery)) == 2


def test_a_stopped_run_goes_on_to_the_same_rows(delivery: Delivery) -> None:
    _stop_at_once(delivery)
    assert analysis.analyse(delivery).state == "ready"
    assert rows_of(delivery) == Oracle(delivery).outcomes
    assert delivery.analyses.count() == 1


def test_a_changed_delivery_starts_afresh(delivery: Delivery) -> None:
    _stop_at_once(delivery)
    Delivery.objects.update(channel="sms")
    delivery.refresh_from_db()
    analysis.analyse(delivery)
    assert set(rows_of(delivery).values()) == {"address_missing"}


def test_the_next_call_completes_a_run_that_failed(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, calls = chunks._judge, []

    def break_down(*args: object) -> int:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("the disk is full")
        return judge(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(chunks, "_judge", break_down)
    with pytest.raises(RuntimeError):
        analysis.analyse(delivery)
    assert delivery.state == "failed"
    assert analysis.analyse(delivery).state == "ready"
    assert rows_of(delivery) == Oracle(delivery).outcomes


def _opt_out(profile: Profile) -> None:
    consent.opt_out(profile, "email", ORIGIN)


def _quarantine(profile: Profile) -> None:
    block("email", profile.addresses.get().key, "quarantine")


def _new_address(profile: Profile) -> None:
    give(profile, "email", "new@shop.example", primary=True)


CHANGES = {"opt-out": _opt_out, "quarantine": _quarantine, "address": _new_address}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_resumed_run_judges_again_who_changed(
    delivery: Delivery, change: Callable[[Profile], None]
) -> None:
    first = Profile.objects.order_by("pk")[0]
    _stop_at_once(delivery)
    assert rows_of(delivery)[first.pk] is None
    change(first)
    analysis.analyse(delivery)
    assert delivery.analyses.count() == 1
    assert rows_of(delivery) == Oracle(delivery).outcomes
    outcome = Outcome.objects.get(delivery=delivery, profile=first)
    assert outcome.address == first.addresses.get(is_primary=True).value


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_while_it_runs_is_in_its_results(
    delivery: Delivery, change: Callable[[Profile], None]
) -> None:
    first = Profile.objects.order_by("pk")[0]
    done: list[int] = []

    def on_progress(progress: analysis.Progress) -> None:
        if not done:
            change(first)
        done.append(progress.done)

    report = analysis.analyse(delivery, on_progress=on_progress)
    assert (report.state, len(done)) == ("ready", 3)
    assert rows_of(delivery) == Oracle(delivery).outcomes
    assert_report(report, Oracle(delivery))


def test_who_left_the_audience_while_it_ran_leaves_the_results(
    settings: object,
) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 2  # type: ignore[attr-defined]
    service = subscriptions.create_service("weekly", label="Weekly", channel="email")
    people = [person(f"{number}@shop.example") for number in range(5)]
    for profile in people:
        subscriptions.subscribe(profile, service, ORIGIN)
    delivery = delivery_of(audience=lambda: membership.subscribers(service))
    _stop_at_once(delivery)
    subscriptions.unsubscribe(people[0], service, ORIGIN)
    assert analysis.analyse(delivery).targeted == 4
    assert set(rows_of(delivery)) == {profile.pk for profile in people[1:]}


def test_a_run_that_was_stopped_long_ago_begins_anew(delivery: Delivery) -> None:
    _stop_at_once(delivery)
    yesterday = timezone.now() - runs.LONGEST_PAUSE
    Analysis.objects.update(started_at=yesterday)
    analysis.analyse(delivery)
    assert delivery.analyses.count() == 2


def test_members_that_lie_far_apart_are_judged_like_others(settings: object) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 3  # type: ignore[attr-defined]
    people = [person(text) for text in (A, B, "", A)]
    for number in range(200):
        person(f"{number}@shop.example")
    people += [person(text) for text in (B, "broken", "c@shop.example")]
    consent.opt_out(people[1], "email", ORIGIN)
    listed = membership.list_of("few", [profile.pk for profile in people])
    delivery = delivery_of(audience=lambda: listed)
    assert_as_oracle(delivery)
    assert len(rows_of(delivery)) == 7


def test_a_nested_audience_that_is_edited_meanwhile_starts_the_run_anew(
    delivery: Delivery,
) -> None:
    Profile.objects.update(language="nl")
    inner = membership.create_with_condition("inner", tree(is_("language", "nl")))
    outer = membership.create_with_condition(
        "outer", tree({"node": "audience", "name": "inner"})
    )
    delivery = delivery_of("Nested", audience=lambda: outer)
    _stop_at_once(delivery)
    inner.condition = tree(is_("language", "fr"))
    inner.save()

    def edit_again(progress: analysis.Progress) -> None:
        inner.condition = tree(is_("language", "de"))
        inner.save()

    Profile.objects.filter(addresses__key=A).update(language="fr")
    report = analysis.analyse(delivery, on_progress=edit_again)
    assert delivery.analyses.count() == 2
    assert report.targeted == 3


def test_a_statement_that_the_database_refuses_is_reported(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> int:
        raise OperationalError("could not extend file: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "_judge", refuse)
        with pytest.raises(analysis.AnalysisRefused, match=r"No space left.*again"):
            analysis.analyse(delivery)
    assert delivery.state == "failed"
    assert analysis.analyse(delivery).state == "ready"


def test_a_delivery_with_messages_is_refused(delivery: Delivery) -> None:
    Message.objects.create(
        delivery=delivery,
        profile=Profile.objects.first(),
        channel="email",
        address=A,
        sent_at=timezone.now(),
    )
    with pytest.raises(analysis.AnalysisRefused, match="handed over"):
        analysis.analyse(delivery)


def test_a_dry_run_stores_nothing(delivery: Delivery) -> None:
    def everything() -> dict[str, list[object]]:
        models = [m for m in apps.get_models() if m._meta.managed]
        return {m._meta.label: list(m._base_manager.values_list()) for m in models}

    before = everything()
    assert analysis.dry_run(delivery).targeted == 5
    assert everything() == before
    assert delivery.state == "draft"


def test_query_counts_do_not_grow_with_the_profiles(settings: object) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 50_000  # type: ignore[attr-defined]
    delivery = delivery_of()
    analysis.analyse(delivery)
    counts = []
    for more in (10, 990):
        Profile.objects.bulk_create(Profile() for _number in range(more))
        with CaptureQueriesContext(connection) as queries:
            analysis.analyse(delivery)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_an_opt_out_that_was_open_when_the_run_began_is_in_its_results(
    settings: object,
) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 2  # type: ignore[attr-defined]
    people = [person(f"{number}@shop.example") for number in range(5)]
    delivery = delivery_of()
    is_open, may_commit, is_done = Event(), Event(), Event()

    def opt_out_slowly() -> None:
        with transaction.atomic():
            consent.opt_out(people[0], "email", ORIGIN)
            is_open.set()
            may_commit.wait(120)
        is_done.set()
        connection.close()

    def commit(progress: analysis.Progress) -> None:
        may_commit.set()
        is_done.wait(120)

    writer = Thread(target=opt_out_slowly)
    writer.start()
    is_open.wait(120)
    # Its event has a lower id than this one, which is committed first.
    consent.opt_out(people[4], "email", ORIGIN)
    analysis.analyse(delivery, on_progress=commit)
    writer.join()
    assert rows_of(delivery) == Oracle(delivery).outcomes
    assert rows_of(delivery)[people[0].pk] == "denylist_channel"
