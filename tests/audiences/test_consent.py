"""Opt-out and opt-in: independent flags, one event a change, all or nothing."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from audiences import addresses, consent
from audiences.channels import FLAGS, Scope
from audiences.consent import ConsentError, Origin, Source
from audiences.models import ConsentEvent, ConsentEvidence, Profile
from audiences.records.verification import verify_consent
from tests.factories import BY_COMMAND, ProfileFactory, many_profiles

pytestmark = pytest.mark.django_db

SILENT = Origin(source=Source.SYSTEM)


def flags(profile: Profile) -> set[str]:
    row = Profile.objects.get(pk=profile.pk)
    return {scope for scope, name in FLAGS.items() if getattr(row, name)}


def one(act: str, profile: Profile, scope: str, origin: Origin = BY_COMMAND) -> bool:
    return getattr(consent, act)(profile, scope, origin).changed


def bulk(act: str, profile: Profile, scope: str, origin: Origin = BY_COMMAND) -> bool:
    chosen = Profile.objects.filter(pk=profile.pk)
    return bool(getattr(consent, f"{act}_all")(chosen, scope, origin))


both_ways = pytest.mark.parametrize("act", [one, bulk])


@both_ways
@pytest.mark.parametrize("scope", list(Scope))
def test_each_flag_is_set_and_cleared_alone_and_once(act: Any, scope: Scope) -> None:
    profile, bystander = ProfileFactory(), ProfileFactory()
    assert act("opt_out", profile, scope)
    assert flags(profile) == {scope}
    assert not act("opt_out", profile, scope)
    assert act("opt_in", profile, scope)
    assert flags(profile) == set()
    assert not act("opt_in", profile, scope)
    events = ConsentEvent.objects.order_by("id")
    assert list(events.values_list("profile_id", "kind", "channel", "service_id")) == [
        (profile.pk, "opt_out", scope, None),
        (profile.pk, "opt_in", scope, None),
    ]
    assert flags(bystander) == set()
    assert verify_consent().is_consistent


@both_ways
@pytest.mark.parametrize("scope", list(Scope))
def test_clearing_one_flag_leaves_the_six_others(act: Any, scope: Scope) -> None:
    profile = ProfileFactory()
    for each in Scope:
        consent.opt_out(profile, each, BY_COMMAND)
    assert act("opt_in", profile, scope)
    assert flags(profile) == set(Scope) - {scope}
    assert verify_consent().is_consistent


def test_opt_in_to_a_channel_warns_while_any_is_set() -> None:
    profile = ProfileFactory()
    consent.opt_out(profile, "any", BY_COMMAND)
    consent.opt_out(profile, "sms", BY_COMMAND)
    assert consent.opt_in(profile, "sms", BY_COMMAND).warning
    assert not consent.opt_in(profile, "any", BY_COMMAND).warning
    assert not consent.opt_in(profile, "sms", BY_COMMAND).warning


@both_ways
@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize("note", ["", "  "])
def test_who_acts_for_somebody_must_say_why_they_opt_in(
    act: Any, source: str, note: str
) -> None:
    profile = ProfileFactory()
    act("opt_out", profile, "email", Origin(source=source, note=note))
    origin = Origin(source=source, note=note)
    if source in ("operator", "command", "import"):
        with pytest.raises(ConsentError):
            act("opt_in", profile, "email", origin)
        assert flags(profile) == {"email"}
    else:
        assert act("opt_in", profile, "email", origin)
        assert flags(profile) == set()


@both_ways
def test_the_evidence_says_who_why_and_from_where(act: Any) -> None:
    profile = ProfileFactory()
    origin = Origin(
        source=Source.LANDING_PAGE,
        note="clicked",
        actor="els",
        ip="2001:db8::1",
        user_agent="Mozilla\t\\N",
        wording_version="page-3",
        delivery_id=2**40,
    )
    act("opt_out", profile, "email", origin)
    event = ConsentEvent.objects.select_related("evidence").get()
    assert (event.source, event.wording_version, event.delivery_id) == (
        "landing_page",
        "page-3",
        2**40,
    )
    proof = event.evidence
    assert (proof.note, proof.actor, proof.ip, proof.user_agent) == (
        "clicked",
        "els",
        "2001:db8::1",
        "Mozilla\t\\N",
    )


@both_ways
def test_without_evidence_there_is_no_evidence_row(act: Any) -> None:
    act("opt_out", ProfileFactory(), "any", SILENT)
    assert ConsentEvent.objects.count() == 1
    assert not ConsentEvidence.objects.exists()


@both_ways
def test_unknown_scope_is_refused(act: Any) -> None:
    with pytest.raises(ValueError, match="pigeon"):
        act("opt_out", ProfileFactory(), "pigeon")


@both_ways
def test_failure_between_flag_and_history_leaves_neither(
    act: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("power cut")

    profile = ProfileFactory()
    monkeypatch.setattr(consent.flags, "record", fail)
    monkeypatch.setattr(consent.flags, "record_staged", fail)
    with pytest.raises(RuntimeError):
        act("opt_out", profile, "email")
    assert flags(profile) == set()
    assert not ConsentEvent.objects.exists()


@both_ways
def test_failure_after_the_history_takes_it_back_too(act: Any) -> None:
    profile = ProfileFactory()
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        act("opt_out", profile, "email")
        raise RuntimeError
    assert flags(profile) == set()
    assert not ConsentEvent.objects.exists()
    assert act("opt_out", profile, "email")


def people() -> None:
    for letter in "abcde":
        profile = ProfileFactory(email=f"{letter}@x.example", last_name=letter)
        addresses.attach(profile, "email", f"{letter}2@x.example")


SETS = {
    "all": (lambda q: q.all(), "abcde"),
    "a join that repeats rows": (
        lambda q: q.filter(addresses__channel="email"),
        "abcde",
    ),
    "distinct": (lambda q: q.filter(addresses__channel="email").distinct(), "abcde"),
    "ordered by another table": (lambda q: q.order_by("-addresses__key"), "abcde"),
    "a slice": (lambda q: q.order_by("-last_name")[:2], "de"),
    "a slice from the middle": (lambda q: q.order_by("last_name")[1:3], "bc"),
    "none": (lambda q: q.none(), ""),
    "a union": (
        lambda q: (
            q.filter(last_name="a").order_by().union(q.filter(last_name="b").order_by())
        ),
        "ab",
    ),
    "only some fields": (lambda q: q.only("last_name").filter(last_name="c"), "c"),
    "excluded by address": (
        lambda q: q.exclude(addresses__key__startswith="a"),
        "bcde",
    ),
    "either": (
        lambda q: q.filter(Q(last_name="a") | Q(addresses__key="e@x.example")),
        "ae",
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_each_profile_of_a_queryset_changes_once(name: str) -> None:
    people()
    build, expected = SETS[name]
    assert consent.opt_out_all(build(Profile.objects), "email", BY_COMMAND) == len(
        expected
    )
    gone = Profile.objects.filter(no_longer_contact_email=True)
    assert (
        "".join(gone.order_by("last_name").values_list("last_name", flat=True))
        == expected
    )
    assert ConsentEvent.objects.count() == len(expected)
    assert ConsentEvidence.objects.count() == len(expected)
    assert verify_consent().is_consistent


def test_bulk_changes_only_those_that_differ() -> None:
    profiles = many_profiles(5)
    consent.opt_out(profiles[2], "sms", BY_COMMAND)
    assert consent.opt_out_all(Profile.objects.all(), "sms", BY_COMMAND) == 4
    assert (
        consent.opt_in_all(
            Profile.objects.filter(no_longer_contact_sms=True), "sms", BY_COMMAND
        )
        == 5
    )
    assert ConsentEvent.objects.count() == 10


def test_two_bulk_changes_in_one_transaction_keep_their_own_evidence() -> None:
    many_profiles(3)
    with transaction.atomic():
        consent.opt_out_all(
            Profile.objects.all(), "sms", Origin(source="api", note="1")
        )
        consent.opt_in_all(Profile.objects.all(), "sms", Origin(source="api", note="2"))
    pairs = ConsentEvidence.objects.values_list("event__kind", "note").distinct()
    assert set(pairs) == {("opt_out", "1"), ("opt_in", "2")}


@pytest.mark.parametrize("act", ["opt_out_all", "opt_in_all"])
def test_query_count_is_the_same_for_10_and_1000_profiles(act: str) -> None:
    counts = set()
    for size in (10, 1000):
        many_profiles(size, prefix=f"{size}-")
        chosen = Profile.objects.filter(external_id__startswith=f"{size}-")
        if act == "opt_in_all":
            consent.opt_out_all(chosen, "email", BY_COMMAND)
        with CaptureQueriesContext(connection) as queries:
            assert getattr(consent, act)(chosen, "email", BY_COMMAND) == size
        counts.add(len(queries))
    assert len(counts) == 1
