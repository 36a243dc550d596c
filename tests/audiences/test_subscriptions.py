"""Subscriptions: one event a change, a date that ends them, never an opt-in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audiences import consent, membership, subscriptions
from audiences.channels import FLAGS, Channel, Scope
from audiences.consent import Kind, Origin, Source, history
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    Profile,
    Service,
    Subscription,
)
from audiences.records.verification import verify_consent
from audiences.subscriptions import NoSuchService, active
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory, many_profiles

pytestmark = pytest.mark.django_db

SILENT = Origin(source=Source.SYSTEM)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
Status = Subscription.Status


def on(moment: datetime) -> Origin:
    return Origin(source=Source.IMPORT, note="list", at=moment)


def one(act: str, profile: Profile, service: Service, origin: Origin) -> bool:
    return getattr(subscriptions, act)(profile, service, origin).changed


def bulk(act: str, profile: Profile, service: Service, origin: Origin) -> bool:
    chosen = Profile.objects.filter(pk=profile.pk)
    return bool(getattr(subscriptions, f"{act}_all")(chosen, service, origin))


both_ways = pytest.mark.parametrize("act", [one, bulk])


def row(profile: Profile, service: Service) -> Subscription:
    return Subscription.objects.get(profile=profile, service=service)


def kinds() -> list[str]:
    return list(ConsentEvent.objects.order_by("id").values_list("kind", flat=True))


def is_active(profile: Profile, service: Service, at: datetime) -> bool:
    """What the database says, which must be what the row itself says."""
    held = Subscription.objects.filter(profile=profile, service=service)
    found = held.filter(active(at)).exists()
    assert [found] == [each.status_at(at) == Status.ACTIVE for each in held]
    audience = membership.Members.subscribers(service)
    assert audience.profiles(at).contains(profile) == found
    return found


def requested(profile: Profile, service: Service) -> None:
    """A pending subscription, as double opt-in leaves it until it is confirmed."""
    with transaction.atomic():
        consent.record(profile, Kind.REQUEST, SILENT, service_id=service.pk)
        Subscription.objects.create(
            profile=profile, service=service, status=Status.PENDING, changed_at=NOON
        )


# ------------------------------------------------------------------ one event a change
@both_ways
def test_the_second_time_changes_nothing_and_writes_nothing(act: Any) -> None:
    profile, service = ProfileFactory(), ServiceFactory(validity_days=10)
    assert act("subscribe", profile, service, on(NOON))
    assert not act("subscribe", profile, service, on(NOON + timedelta(days=3)))
    held = row(profile, service)
    assert (held.status, held.changed_at) == (Status.ACTIVE, NOON)
    assert held.expires_at == NOON + timedelta(days=10)
    assert act("unsubscribe", profile, service, on(NOON + timedelta(days=4)))
    assert not act("unsubscribe", profile, service, on(NOON + timedelta(days=5)))
    held.refresh_from_db()
    assert held.status == Status.UNSUBSCRIBED
    assert held.changed_at == NOON + timedelta(days=4)
    assert kinds() == ["subscribe", "unsubscribe"]
    assert verify_consent().is_consistent


@both_ways
def test_who_never_subscribed_cannot_unsubscribe(act: Any) -> None:
    assert not act("unsubscribe", ProfileFactory(), ServiceFactory(), BY_COMMAND)
    assert not Subscription.objects.exists()
    assert not ConsentEvent.objects.exists()


@both_ways
def test_the_history_names_each_step_with_its_service_and_time(act: Any) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    steps = ["subscribe", "unsubscribe", "subscribe", "unsubscribe"]
    for days, step in enumerate(steps):
        assert act(step, profile, service, on(NOON + timedelta(days=days)))
    expected = [
        (step, "", service.pk, NOON + timedelta(days=days), "import")
        for days, step in enumerate(steps)
    ]
    columns = ("kind", "channel", "service_id", "at", "source")
    of_service = service.consent_events.order_by("id")
    assert list(of_service.values_list(*columns)) == expected
    of_profile = consent.events_of(profile.pk).order_by("id")
    assert list(of_profile.values_list(*columns)) == expected
    assert Subscription.objects.count() == 1
    assert verify_consent().is_consistent


@both_ways
@pytest.mark.parametrize("step", ["subscribe", "unsubscribe"])
def test_nobody_else_and_no_other_service_changes(act: Any, step: str) -> None:
    profile, bystander = ProfileFactory(), ProfileFactory()
    service, other = ServiceFactory(), ServiceFactory()
    subscriptions.subscribe(profile, other, on(NOON))
    subscriptions.subscribe(bystander, other, on(NOON))
    if step == "unsubscribe":
        subscriptions.subscribe(profile, service, on(NOON))
        subscriptions.subscribe(bystander, service, on(NOON))
    untouched = Subscription.objects.exclude(profile=profile, service=service)
    before = list(untouched.order_by("id").values())
    assert act(step, profile, service, BY_COMMAND)
    assert list(untouched.order_by("id").values()) == before
    assert verify_consent().is_consistent


@both_ways
@pytest.mark.parametrize(
    "opted_out",
    [set(), set(Scope), {"email"}, {"any"}],
    ids=["none", "all", "email", "any"],
)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_flags_stay_as_they_are(act: Any, opted_out: set[str], channel: str) -> None:
    profile, service = ProfileFactory(), ServiceFactory(channel=channel)
    for scope in opted_out:
        consent.opt_out(profile, scope, BY_COMMAND)
    for step in ("subscribe", "unsubscribe"):
        assert act(step, profile, service, BY_COMMAND)
        after = Profile.objects.get(pk=profile.pk)
        assert {
            scope for scope, name in FLAGS.items() if getattr(after, name)
        } == opted_out
    assert kinds().count("opt_in") == 0
    assert verify_consent().is_consistent


@pytest.mark.parametrize(
    ("opted_out", "channel", "told"),
    [
        ([], "email", ""),
        (["email"], "email", "Email"),
        (["email"], "sms", ""),
        (["sms", "direct_mail"], "direct_mail", "Direct mail"),
        (["any"], "email", "any channel"),
        (["any", "email"], "email", "any channel"),
    ],
)
def test_subscribing_warns_of_an_opt_out_each_time(
    opted_out: list[str], channel: str, told: str
) -> None:
    profile, service = ProfileFactory(), ServiceFactory(channel=channel)
    for scope in opted_out:
        consent.opt_out(profile, scope, BY_COMMAND)
    for changed in (True, False):
        result = subscriptions.subscribe(profile, service, BY_COMMAND)
        assert result.changed is changed
        assert bool(result.warning) == bool(told)
        assert told in result.warning
    assert not subscriptions.unsubscribe(profile, service, BY_COMMAND).warning


def test_the_warning_reads_the_flags_of_the_database_not_of_the_instance() -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    consent.opt_out(Profile.objects.get(pk=profile.pk), "email", BY_COMMAND)
    assert not profile.no_longer_contact_email
    assert subscriptions.subscribe(profile, service, BY_COMMAND).warning


# ------------------------------------------------------------------ until when
@both_ways
@pytest.mark.parametrize("days", [None, 1, 365])
def test_a_subscription_ends_by_its_date_without_a_job(act: Any, days: Any) -> None:
    profile, service = ProfileFactory(), ServiceFactory(validity_days=days)
    act("subscribe", profile, service, on(NOON))
    held = row(profile, service)
    assert is_active(profile, service, NOON)
    if days is None:
        assert held.expires_at is None
        assert is_active(profile, service, NOON + timedelta(days=36_500))
        return
    end = NOON + timedelta(days=days)
    assert held.expires_at == end
    assert is_active(profile, service, end - MOMENT)
    assert not is_active(profile, service, end)
    assert not is_active(profile, service, end + MOMENT)
    assert held.status_at(end) == Status.EXPIRED
    assert row(profile, service).status == Status.ACTIVE
    assert kinds() == ["subscribe"]
    assert verify_consent().is_consistent


@both_ways
@pytest.mark.parametrize(
    ("days_later", "changed"), [(29, False), (30, True), (90, True)]
)
def test_only_an_expired_subscription_is_renewed(
    act: Any, days_later: int, changed: bool
) -> None:
    profile, service = ProfileFactory(), ServiceFactory(validity_days=30)
    act("subscribe", profile, service, on(NOON))
    again = NOON + timedelta(days=days_later)
    assert act("subscribe", profile, service, on(again)) is changed
    began = again if changed else NOON
    held = row(profile, service)
    assert (held.changed_at, held.expires_at) == (began, began + timedelta(days=30))
    assert kinds() == ["subscribe"] * (1 + changed)
    assert verify_consent().is_consistent


@both_ways
def test_a_renewal_takes_the_validity_that_the_service_has_then(act: Any) -> None:
    profile, service = ProfileFactory(), ServiceFactory(validity_days=30)
    act("subscribe", profile, service, on(NOON))
    service.validity_days = None
    service.save()
    assert row(profile, service).expires_at == NOON + timedelta(days=30)
    assert act("subscribe", profile, service, on(NOON + timedelta(days=31)))
    assert row(profile, service).expires_at is None


@both_ways
def test_an_unsubscribed_profile_is_not_active_and_may_come_back(act: Any) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    act("subscribe", profile, service, on(NOON))
    act("unsubscribe", profile, service, on(NOON + timedelta(days=1)))
    assert not is_active(profile, service, NOON + timedelta(days=2))
    assert act("subscribe", profile, service, on(NOON + timedelta(days=3)))
    assert is_active(profile, service, NOON + timedelta(days=3))
    assert kinds() == ["subscribe", "unsubscribe", "subscribe"]


@both_ways
def test_pending_is_not_active_until_it_is_subscribed(act: Any) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    requested(profile, service)
    assert not is_active(profile, service, NOON)
    assert act("subscribe", profile, service, on(NOON))
    assert is_active(profile, service, NOON)
    assert kinds() == ["request", "subscribe"]
    assert verify_consent().is_consistent


@both_ways
def test_a_pending_request_can_be_ended(act: Any) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    requested(profile, service)
    assert act("unsubscribe", profile, service, on(NOON))
    assert row(profile, service).status == Status.UNSUBSCRIBED
    assert kinds() == ["request", "unsubscribe"]
    assert verify_consent().is_consistent


# ------------------------------------------------------------------ the proof
@both_ways
@pytest.mark.parametrize("step", ["subscribe", "unsubscribe"])
def test_the_evidence_says_who_why_and_from_where(act: Any, step: str) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    if step == "unsubscribe":
        act("subscribe", profile, service, SILENT)
    origin = Origin(
        source=Source.LANDING_PAGE,
        note="clicked\ttwice\\N",
        actor="els",
        ip="2001:db8::1",
        user_agent="Mozilla",
        wording_version="page-3",
        delivery_id=2**40,
    )
    assert act(step, profile, service, origin)
    event = ConsentEvent.objects.select_related("evidence").get(kind=step)
    assert (event.source, event.wording_version, event.delivery_id) == (
        "landing_page",
        "page-3",
        2**40,
    )
    proof = event.evidence
    assert (proof.note, proof.actor, proof.ip, proof.user_agent) == (
        "clicked\ttwice\\N",
        "els",
        "2001:db8::1",
        "Mozilla",
    )
    assert ConsentEvidence.objects.count() == 1


@both_ways
def test_without_evidence_there_is_no_evidence_row(act: Any) -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    act("subscribe", profile, service, SILENT)
    act("unsubscribe", profile, service, SILENT)
    assert kinds() == ["subscribe", "unsubscribe"]
    assert not ConsentEvidence.objects.exists()


@both_ways
@pytest.mark.parametrize("step", ["subscribe", "unsubscribe"])
def test_failure_between_state_and_history_leaves_neither(
    act: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("power cut")

    profile, service = ProfileFactory(), ServiceFactory()
    if step == "unsubscribe":
        act("subscribe", profile, service, on(NOON))
    before = list(Subscription.objects.values()), kinds()
    with monkeypatch.context() as patched:
        patched.setattr(consent, "record", fail)
        patched.setattr(history, "record_staged", fail)
        with pytest.raises(RuntimeError):
            act(step, profile, service, BY_COMMAND)
    assert (list(Subscription.objects.values()), kinds()) == before
    assert act(step, profile, service, BY_COMMAND)


# ------------------------------------------------------------------ many at once
SETS = {
    "all": (lambda q: q.all(), "abcde"),
    "a join that repeats rows": (
        lambda q: q.filter(addresses__isnull=False),
        "abcde",
    ),
    "a slice": (lambda q: q.order_by("-last_name")[:2], "de"),
    "a slice from the middle": (lambda q: q.order_by("last_name")[1:3], "bc"),
    "a slice behind the end": (lambda q: q.order_by("last_name")[9:], ""),
    "none": (lambda q: q.none(), ""),
    "nobody meets it": (lambda q: q.filter(last_name="z"), ""),
    "an empty list of ids": (lambda q: q.filter(pk__in=[]), ""),
    "distinct": (lambda q: q.filter(addresses__channel="sms").distinct(), "abcde"),
    "a union": (
        lambda q: (
            q.filter(last_name="a").order_by().union(q.filter(last_name="b").order_by())
        ),
        "ab",
    ),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("step", ["subscribe", "unsubscribe"])
def test_each_profile_of_a_queryset_changes_once(name: str, step: str) -> None:
    service = ServiceFactory()
    for number, letter in enumerate("abcde"):
        ProfileFactory(
            email=f"{letter}@x.example", sms=f"+3161234567{number}", last_name=letter
        )
    if step == "unsubscribe":
        subscriptions.subscribe_all(Profile.objects.all(), service, SILENT)
    build, expected = SETS[name]
    act = getattr(subscriptions, f"{step}_all")
    assert act(build(Profile.objects), service, BY_COMMAND) == len(expected)
    status = Status.ACTIVE if step == "subscribe" else Status.UNSUBSCRIBED
    changed = Subscription.objects.filter(status=status).order_by("profile__last_name")
    assert "".join(changed.values_list("profile__last_name", flat=True)) == expected
    events = ConsentEvent.objects.filter(kind=step)
    assert events.count() == len(expected)
    assert ConsentEvidence.objects.filter(event__in=events).count() == len(expected)
    assert act(build(Profile.objects), service, BY_COMMAND) == 0
    assert verify_consent().is_consistent


def test_a_slice_is_cut_before_it_is_asked_who_differs() -> None:
    first, second, _third = many_profiles(3)
    service = ServiceFactory()
    subscriptions.subscribe(first, service, BY_COMMAND)
    two = Profile.objects.order_by("pk")[:2]
    assert subscriptions.subscribe_all(two, service, BY_COMMAND) == 1
    assert subscriptions.unsubscribe(first, service, BY_COMMAND).changed
    assert subscriptions.unsubscribe_all(two, service, BY_COMMAND) == 1
    assert row(second, service).status == Status.UNSUBSCRIBED
    assert Subscription.objects.count() == 2


def test_subscribing_many_begins_renews_and_skips() -> None:
    names = ["new", "active", "expired", "unsubscribed", "pending"]
    people = dict(zip(names, many_profiles(5), strict=True))
    service = ServiceFactory(validity_days=30)
    later = NOON + timedelta(days=40)
    subscriptions.subscribe(people["active"], service, on(NOON + timedelta(days=20)))
    subscriptions.subscribe(people["expired"], service, on(NOON))
    subscriptions.subscribe(people["unsubscribed"], service, on(NOON))
    subscriptions.unsubscribe(people["unsubscribed"], service, on(NOON))
    requested(people["pending"], service)
    assert subscriptions.subscribe_all(Profile.objects.all(), service, on(later)) == 4
    began = {name: row(people[name], service).changed_at for name in names}
    assert began.pop("active") == NOON + timedelta(days=20)
    assert set(began.values()) == {later}
    assert all(is_active(people[name], service, later) for name in names)
    assert ConsentEvent.objects.filter(kind="subscribe", at=later).count() == 4
    assert verify_consent().is_consistent


def test_a_queryset_may_speak_of_the_subscriptions_that_change() -> None:
    many_profiles(4)
    service = ServiceFactory()
    nobody_yet = Profile.objects.exclude(subscriptions__service=service)
    assert subscriptions.subscribe_all(nobody_yet, service, BY_COMMAND) == 4
    subscribed = Profile.objects.filter(subscriptions__status=Status.ACTIVE)
    assert subscriptions.unsubscribe_all(subscribed, service, BY_COMMAND) == 4
    assert not subscribed.exists()


@pytest.mark.parametrize("act", ["subscribe_all", "unsubscribe_all"])
def test_query_count_is_the_same_for_10_and_1000_profiles(act: str) -> None:
    service = ServiceFactory(validity_days=30)
    counts = set()
    for size in (10, 1000):
        many_profiles(size, prefix=f"{size}-")
        chosen = Profile.objects.filter(external_id__startswith=f"{size}-")
        half = Profile.objects.filter(pk__in=chosen.order_by("pk")[: size // 2])
        # Half of them have a row that changes, half begin.
        subscriptions.subscribe_all(half, service, BY_COMMAND)
        if act == "subscribe_all":
            subscriptions.unsubscribe_all(half, service, BY_COMMAND)
        else:
            subscriptions.subscribe_all(chosen, service, BY_COMMAND)
        with CaptureQueriesContext(connection) as queries:
            assert getattr(subscriptions, act)(chosen, service, BY_COMMAND) == size
        counts.add(len(queries))
    assert len(counts) == 1


# ------------------------------------------------------------------ services
@pytest.mark.parametrize("channel", Channel.values)
@pytest.mark.parametrize("days", [None, 1])
def test_a_service_is_made_as_asked(channel: str, days: int | None) -> None:
    made = subscriptions.create_service(
        "news-1", label="News", channel=channel, validity_days=days
    )
    found = subscriptions.find_service("news-1")
    assert found == made
    assert (found.label, found.channel, found.validity_days) == ("News", channel, days)


BAD_SERVICES: dict[str, tuple[dict[str, Any], str]] = {
    "a space": ({"slug": "a b"}, "slug"),
    "no slug": ({"slug": ""}, "slug"),
    "an accent": ({"slug": "café"}, "slug"),
    "a colon": ({"slug": "a:b"}, "slug"),
    "51 characters": ({"slug": "a" * 51}, "slug"),
    "taken": ({"slug": "taken"}, "slug"),
    "no label": ({"label": ""}, "label"),
    "151 characters": ({"label": "a" * 151}, "label"),
    "no such channel": ({"channel": "pigeon"}, "channel"),
    "a scope, no channel": ({"channel": "any"}, "channel"),
    "validity 0": ({"validity_days": 0}, "validity_days"),
    "validity -1": ({"validity_days": -1}, "validity_days"),
}


@pytest.mark.parametrize("name", BAD_SERVICES)
def test_a_bad_service_is_refused_and_the_field_is_named(name: str) -> None:
    ServiceFactory(slug="taken")
    change, field = BAD_SERVICES[name]
    facts = {"slug": "good", "label": "Good", "channel": "email", **change}
    with pytest.raises(ValidationError) as refused:
        subscriptions.create_service(**facts)
    assert list(refused.value.message_dict)[:1] == [field]
    assert list(Service.objects.values_list("slug", flat=True)) == ["taken"]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"validity_days": 0}, "service_validity_positive"),
        ({"channel": "pigeon"}, "service_channel_known"),
        ({"slug": "taken"}, "slug"),
    ],
)
def test_the_database_refuses_a_bad_service_too(
    change: dict[str, Any], constraint: str
) -> None:
    ServiceFactory(slug="taken")
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ServiceFactory(**change)


@both_ways
def test_a_service_whose_validity_no_calendar_holds_can_be_used(act: Any) -> None:
    """Refused when it is made, or subscribed to: anything but a crash later."""
    try:
        service = subscriptions.create_service(
            "long", label="Long", channel="email", validity_days=4_000_000
        )
    except ValidationError:
        return
    assert act("subscribe", ProfileFactory(), service, BY_COMMAND)


def test_an_unknown_service_is_refused_with_the_services_there_are() -> None:
    with pytest.raises(NoSuchService, match="create_service"):
        subscriptions.find_service("news")
    ServiceFactory(slug="zebra")
    ServiceFactory(slug="apple")
    with pytest.raises(NoSuchService, match=r"'news'.*apple, zebra"):
        subscriptions.find_service("news")
