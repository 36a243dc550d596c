"""Closed services, notes after an unsubscription, expiry, and the report of it all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import membership, privacy, subscriptions
from audiences.consent import Kind, Origin, Source
from audiences.models import ConsentEvent, Profile, Service, Subscription
from audiences.records.verification import verify_consent
from audiences.subscriptions import NoteNeeded, ServiceClosed, reports, writing
from delivery import analysis
from delivery.models import Delivery
from delivery.sending.last_check import LastCheck
from tests.delivery.worlds import delivery_of, person, rows_of
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory, many_profiles

pytestmark = pytest.mark.django_db
Status = Subscription.Status
DAY = timedelta(days=1)
PLAIN = {source: Origin(source=source) for source in Source.values}


def on(moment: datetime, source: str = Source.IMPORT, note: str = "list") -> Origin:
    return Origin(source=source, note=note, at=moment)


def statuses(service: Service) -> dict[str, int]:
    counts = reports.counts([service.pk], timezone.now())[service.pk]
    return {status: number for status, number in counts.items() if number}


# ------------------------------------------------------------------ coming back
@pytest.mark.parametrize(
    ("source", "needs_note"),
    [
        (Source.OPERATOR, True),
        (Source.COMMAND, True),
        (Source.IMPORT, True),
        (Source.LANDING_PAGE, False),
        (Source.API, False),
    ],
)
def test_who_acts_for_a_person_that_unsubscribed_says_why(
    source: str, needs_note: bool
) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    assert subscriptions.subscribe(profile, service, PLAIN[source]).changed
    subscriptions.unsubscribe(profile, service, PLAIN[Source.ONE_CLICK])
    if needs_note:
        with pytest.raises(NoteNeeded, match="needs a note"):
            subscriptions.subscribe(profile, service, PLAIN[source])
        everyone = Profile.objects.all()
        assert subscriptions.subscribe_all(everyone, service, PLAIN[source]) == 0
        assert statuses(service) == {"unsubscribed": 1}
        origin = Origin(source=source, note="asked by phone")
    else:
        origin = PLAIN[source]
    assert subscriptions.subscribe(profile, service, origin).changed
    assert verify_consent().is_consistent


@pytest.mark.parametrize("lapses", [False, True])
def test_a_request_that_nobody_confirmed_does_not_replace_the_note(
    lapses: bool,
) -> None:
    """Anybody with an old link may ask: the last word is still the unsubscription."""
    profile, service = ProfileFactory(), ServiceFactory(double_opt_in=True)
    subscriptions.subscribe(profile, service, BY_COMMAND)
    subscriptions.unsubscribe(profile, service, PLAIN[Source.ONE_CLICK])
    assert subscriptions.request(profile, service, PLAIN[Source.LANDING_PAGE]).changed
    if lapses:
        assert privacy.clean_up(timezone.now() + 99 * DAY) == 1
    for source in (Source.OPERATOR, Source.COMMAND, Source.IMPORT):
        with pytest.raises(NoteNeeded):
            subscriptions.subscribe(profile, service, PLAIN[source])
        everyone = Profile.objects.all()
        assert subscriptions.subscribe_all(everyone, service, PLAIN[source]) == 0
    assert statuses(service) == {"expired" if lapses else "pending": 1}
    assert subscriptions.subscribe(profile, service, BY_COMMAND).changed
    assert verify_consent().is_consistent


def test_a_request_that_was_not_confirmed_in_time_waits_no_more() -> None:
    """Whether the clean-up has come by or not."""
    profile, service = ProfileFactory(), ServiceFactory(double_opt_in=True)
    subscriptions.request(profile, service, PLAIN[Source.LANDING_PAGE])
    held = Subscription.objects.get()
    assert held.expires_at
    assert held.status_at(held.expires_at - DAY / 24) == Status.PENDING
    assert held.status_at(held.expires_at) == Status.EXPIRED
    counts = reports.counts([service.pk], held.expires_at)[service.pk]
    assert (counts["pending"], counts["expired"]) == (0, 1)


def test_taking_an_unsubscription_back_gives_no_longer_validity() -> None:
    profile, service = ProfileFactory(), ServiceFactory(validity_days=5)
    subscriptions.subscribe(profile, service, on(timezone.now() - 3 * DAY))
    until = Subscription.objects.get().expires_at
    subscriptions.unsubscribe(profile, service, PLAIN[Source.LANDING_PAGE])
    assert writing.restore(profile, service, PLAIN[Source.LANDING_PAGE]).changed
    assert Subscription.objects.get().expires_at == until
    assert verify_consent().is_consistent


def test_an_expired_subscription_is_renewed_without_a_note() -> None:
    profile, service = ProfileFactory(), ServiceFactory(validity_days=1)
    subscriptions.subscribe(profile, service, on(timezone.now() - 3 * DAY))
    assert subscriptions.expire() == 1
    assert subscriptions.subscribe(profile, service, PLAIN[Source.COMMAND]).changed


def test_a_closed_service_keeps_its_subscribers_and_takes_no_others() -> None:
    inside, outside = ProfileFactory(), ProfileFactory()
    service = ServiceFactory()
    subscriptions.subscribe(inside, service, BY_COMMAND)
    service.is_closed = True
    service.save()
    assert not subscriptions.subscribe(inside, service, BY_COMMAND).changed
    for act in (
        lambda: subscriptions.subscribe(outside, service, BY_COMMAND),
        lambda: subscriptions.request(outside, service, PLAIN[Source.LANDING_PAGE]),
        lambda: subscriptions.subscribe_all(Profile.objects.all(), service, BY_COMMAND),
    ):
        with pytest.raises(ServiceClosed, match="takes no new subscriptions"):
            act()
    assert statuses(service) == {"active": 1}
    assert subscriptions.unsubscribe(inside, service, BY_COMMAND).changed


# ------------------------------------------------------------------ expiry
def test_expiry_is_written_down_once_for_the_moment_at_which_it_happened() -> None:
    now = timezone.now()
    short, long = ServiceFactory(validity_days=2), ServiceFactory(validity_days=20)
    people = many_profiles(3)
    for number, profile in enumerate(people):
        at = now - timedelta(days=number + 1)
        subscriptions.subscribe(profile, short, on(at))
        subscriptions.subscribe(profile, long, on(at))
    assert statuses(short) == {"active": 1, "expired": 2}, "by the date alone"
    assert subscriptions.expire(now) == 2
    assert subscriptions.expire(now) == 0
    assert statuses(short) == {"active": 1, "expired": 2}
    events = ConsentEvent.objects.filter(kind=Kind.EXPIRE).order_by("profile_id")
    assert [(e.profile_id, e.at, e.source) for e in events] == [
        (people[1].pk, now, Source.SYSTEM),
        (people[2].pk, now - DAY, Source.SYSTEM),
    ]
    assert verify_consent().is_consistent


def test_expiry_of_many_takes_a_fixed_number_of_statements() -> None:
    service = ServiceFactory(validity_days=1)

    def statements(count: int) -> int:
        many_profiles(count, prefix=f"N{count}-")
        subscriptions.subscribe_all(
            Profile.objects.exclude(subscriptions__service=service),
            service,
            on(timezone.now() - 2 * DAY),
        )
        with CaptureQueriesContext(connection) as queries:
            assert subscriptions.expire() == count
        return len(queries)

    assert statements(3) == statements(300)


@pytest.fixture
def weekly(settings: Any) -> tuple[Delivery, Service]:
    """A delivery to subscribers, in several chunks."""
    settings.ANALYSIS_CHUNK_SIZE = 2
    service = ServiceFactory(validity_days=10)
    for number in range(6):
        profile = person(f"{number}@shop.example")
        subscriptions.subscribe(profile, service, BY_COMMAND)
    return delivery_of(service=service), service


@pytest.mark.parametrize("writes", [False, True], ids=["by date", "written down"])
def test_a_subscription_that_expires_in_the_middle_of_an_analysis_is_left_out(
    weekly: tuple[Delivery, Service], writes: bool
) -> None:
    delivery, _service = weekly
    assert analysis.analyse(delivery, should_stop=lambda: True).state == "stopped"
    judged, waiting = Subscription.objects.order_by("profile_id")[0:6:5]
    run = delivery.analyses.get()
    for held in (judged, waiting):
        held.expires_at = run.at + timedelta(microseconds=1)
        held.save()
    if writes:
        assert subscriptions.expire() == 2
    assert analysis.analyse(delivery).state == "ready"
    assert delivery.analyses.count() == 1, "the run went on"
    assert {pk for pk, rule in rows_of(delivery).items() if rule} == {
        judged.profile_id,
        waiting.profile_id,
    }


def test_a_subscription_that_expires_after_the_analysis_is_found_at_the_hand_over(
    weekly: tuple[Delivery, Service],
) -> None:
    delivery, service = weekly
    assert analysis.analyse(delivery).to_deliver == 6
    held = Subscription.objects.order_by("profile_id")[0]
    Subscription.objects.filter(pk=held.pk).update(expires_at=timezone.now())
    subscribed = membership.Members.subscribers(service).profiles(timezone.now())
    assert subscribed.count() == 5
    low, high = held.profile_id, held.profile_id + 10**6
    assert set(LastCheck(delivery).excluded(low, high)) == {held.profile_id}


def test_a_pending_subscription_is_targeted_by_nothing() -> None:
    service = ServiceFactory(double_opt_in=True)
    profile = person("a@shop.example")
    subscriptions.request(profile, service, PLAIN[Source.LANDING_PAGE])
    delivery = delivery_of(service=service)
    assert analysis.analyse(delivery).to_deliver == 0
    audience = membership.Members.subscribers(service)
    assert not audience.profiles(timezone.now()).exists()


# ------------------------------------------------------------------ the report
MONDAY = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_the_report_counts_each_step_once_by_what_was_before_it() -> None:
    service = ServiceFactory(double_opt_in=True)
    kinds = {
        0: [("request", 0), ("confirm", 1)],
        1: [("request", 0), ("unsubscribe", 2)],
        2: [("subscribe", 0), ("unsubscribe", 3), ("subscribe", 4)],
        3: [("subscribe", 1), ("expire", 5)],
        4: [("request", 1), ("expire", 6)],
        5: [("subscribe", 2), ("subscribe", 3)],  # renewed before it was written down
    }
    after = writing.STATUS_AFTER
    for profile, steps in zip(many_profiles(6), kinds.values(), strict=True):
        for kind, days in steps:
            at = MONDAY + days * DAY
            source = Source.LANDING_PAGE if kind != "expire" else Source.SYSTEM
            ConsentEvent.objects.create(
                profile=profile, service=service, kind=kind, at=at, source=source
            )
        Subscription.objects.create(
            profile=profile, service=service, status=after[steps[-1][0]], changed_at=at
        )
    found = reports.report(service, now=MONDAY + 6 * DAY)
    days = {period.start.day: period for period in found.periods[-7:]}
    names = ("requested", "subscribed", "unsubscribed", "expired", "unconfirmed")
    table = {
        day: [*(getattr(days[day], name) for name in names), days[day].active]
        for day in days
    }
    assert table == {
        1: [2, 1, 0, 0, 0, 1],
        2: [1, 2, 0, 0, 0, 3],
        3: [0, 1, 0, 0, 1, 4],
        4: [0, 0, 1, 0, 0, 3],
        5: [0, 1, 0, 0, 0, 4],
        6: [0, 0, 0, 1, 0, 3],
        7: [0, 0, 0, 0, 1, 3],
    }
    week = reports.report(service, by="week", now=MONDAY + 6 * DAY).periods[-1]
    assert (week.subscribed, week.net, week.active) == (5, 3, 3)
    by_system = reports.report(service, source=Source.SYSTEM, now=MONDAY + 6 * DAY)
    assert sum(period.expired for period in by_system.periods) == 1
    assert sum(period.subscribed for period in by_system.periods) == 0
    assert {row.source for row in by_system.sources} == {"landing_page", "system"}


@pytest.mark.parametrize("by", reports.PERIODS)
def test_the_periods_of_a_report_begin_at_midnight_whatever_the_clocks_do(
    by: str, settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"
    with timezone.override("Europe/Amsterdam"):
        service = ServiceFactory()
        for profile, days in zip(many_profiles(60), range(60), strict=True):
            at = datetime(2026, 11, 20, 0, 30, tzinfo=UTC) - days * DAY
            subscriptions.subscribe(profile, service, on(at))
        found = reports.report(
            service, by=by, now=datetime(2026, 11, 20, 12, tzinfo=UTC)
        )
        starts = [timezone.localtime(period.start) for period in found.periods]
    assert {(start.hour, start.minute) for start in starts} == {(0, 0)}
    expected = 30 if by == "day" else 60
    assert sum(period.subscribed for period in found.periods) == expected
