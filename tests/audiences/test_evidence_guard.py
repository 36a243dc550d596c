"""Evidence goes with its person and in no other way; what is missing is told of."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from audiences import consent, privacy, subscriptions
from audiences.consent import Origin, Source, guards
from audiences.models import ConsentEvent, ConsentEvidence, Profile
from audiences.records.verification import verify_consent
from audiences.sql import execute
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory

pytestmark = pytest.mark.django_db
T = ConsentEvidence._meta.db_table
ON_PG = connection.vendor == "postgresql"
BY_OPERATOR = Origin(source=Source.OPERATOR, actor="eva", note="by phone")
ATTACKS = {
    "delete": f"DELETE FROM {T}",
    "empty": f"UPDATE {T} SET note = '', actor = ''",
    "change": f"UPDATE {T} SET note = 'by letter'",
    "upsert": f"INSERT INTO {T} (event_id, note, actor, user_agent)"
    f" SELECT event_id, '', '', '' FROM {T} WHERE true"
    " ON CONFLICT (event_id) DO UPDATE SET note = ''",
    **(
        {
            "truncate": f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {T}",
            "replica": f"SET LOCAL session_replication_role = replica; DELETE FROM {T}",
        }
        if ON_PG
        else {
            "replace": f"REPLACE INTO {T} (event_id, note, actor, user_agent)"
            f" SELECT event_id, '', '', '' FROM {T}",
        }
    ),
}


def person() -> Profile:
    profile = ProfileFactory(email="jan@x.example")
    consent.opt_out(profile, "email", BY_OPERATOR)
    return profile


@pytest.mark.parametrize("attack", ATTACKS)
def test_evidence_of_somebody_who_is_there_stays(attack: str) -> None:
    person()
    with pytest.raises(DatabaseError, match="Evidence goes"), transaction.atomic():
        execute(ATTACKS[attack])
    row = ConsentEvidence.objects.get()
    assert (row.note, row.actor) == ("by phone", "eva")


def test_an_erasure_takes_it_along_and_leaves_the_events() -> None:
    profile, other = person(), ProfileFactory(email="els@x.example")
    consent.opt_out(other, "sms", BY_OPERATOR)
    pk = profile.pk
    privacy.erase(profile)
    assert ConsentEvidence.objects.get().event.profile_id == other.pk
    assert ConsentEvent.objects.filter(profile_id=pk, has_evidence=True).exists()
    report = verify_consent()
    assert report.is_consistent
    assert report.erased_profiles == [pk]


def test_an_erasure_that_is_taken_back_takes_nothing() -> None:
    profile = person()
    with transaction.atomic():
        privacy.erase(profile)
        transaction.set_rollback(True)
    assert ConsentEvidence.objects.count() == 1
    assert verify_consent().is_consistent


def asked(days_ago: int) -> Any:
    service = ServiceFactory(channel="email", double_opt_in=True)
    profile = ProfileFactory(email="jan@x.example")
    origin = Origin(source=Source.LANDING_PAGE, ip="198.51.100.1", user_agent="Firefox")
    subscriptions.request(profile, service, origin)
    return profile, service


def test_a_request_that_nobody_confirms_loses_its_device() -> None:
    asked(0)
    assert ConsentEvidence.objects.filter(ip__isnull=False).count() == 1
    assert privacy.clean_up(timezone.now() + timedelta(days=30)) == 1
    assert not ConsentEvidence.objects.filter(ip__isnull=False).exists()
    assert verify_consent().is_consistent


def test_one_that_is_waiting_or_was_confirmed_keeps_it() -> None:
    profile, service = asked(0)
    take = f"DELETE FROM {T}"
    with pytest.raises(DatabaseError), transaction.atomic():
        execute(take)
    consent.record(profile, consent.Kind.CONFIRM, BY_COMMAND, service_id=service.pk)
    consent.record(profile, consent.Kind.EXPIRE, BY_COMMAND, service_id=service.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        execute(take)


def _without_guards(sql: str) -> None:
    if ON_PG:
        execute("SET CONSTRAINTS ALL IMMEDIATE")
    guards.remove()
    execute(sql)
    guards.install()


def test_a_row_that_is_gone_without_an_erasure_is_told_of() -> None:
    profile = person()
    erased = ProfileFactory()
    consent.opt_out(erased, "sms", BY_OPERATOR)
    privacy.erase(erased)
    consent.opt_out(profile, "sms", Origin(source=Source.SYSTEM))  # has none
    assert verify_consent().is_consistent
    _without_guards(f"DELETE FROM {T}")
    (line,) = verify_consent().differences
    event = ConsentEvent.objects.get(profile=profile, channel="email")
    assert f"profile {profile.pk}: event {event.pk}" in line
    assert "gone without an erasure" in line


def test_evidence_that_somebody_made_up_later_is_told_of() -> None:
    profile = ProfileFactory()
    consent.opt_out(profile, "sms", Origin(source=Source.SYSTEM))
    event = ConsentEvent.objects.get()
    ConsentEvidence.objects.create(event=event, note="asked by phone")
    (line,) = verify_consent().differences
    assert "somebody has added" in line


@pytest.mark.parametrize("way", ["one", "all", "steps"])
@pytest.mark.parametrize("origin", [BY_OPERATOR, Origin(source=Source.SYSTEM)])
def test_every_writer_says_whether_there_is_evidence(way: str, origin: Origin) -> None:
    profile = ProfileFactory()
    if way == "one":
        consent.opt_out(profile, "email", origin)
    elif way == "all":
        consent.opt_out_all(Profile.objects.all(), "email", origin)
    else:
        from audiences.consent.history import bulk_record

        service = ServiceFactory()
        at = timezone.now()
        with transaction.atomic():
            bulk_record([(profile.pk, at, "subscribe", "", service.pk, origin)])
    event = ConsentEvent.objects.get()
    assert event.has_evidence is hasattr(event, "evidence") is origin.has_evidence


DAMAGE = (
    {
        "missing": f"DROP TRIGGER {T}_with_person ON {T}",
        "disabled": f"ALTER TABLE {T} DISABLE TRIGGER {T}_append_only",
        "hollow": f"CREATE OR REPLACE FUNCTION {T}_with_person() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN OLD;END'",
    }
    if ON_PG
    else {
        kind: f"DROP TRIGGER {T}_no_{kind}" for kind in ("update", "delete", "replace")
    }
)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_to_the_guard_is_found_and_migrate_repairs_it(damage: str) -> None:
    execute(DAMAGE[damage])
    assert not verify_consent().is_consistent
    call_command("migrate", verbosity=0)
    assert guards.missing() == []


@pytest.mark.usefixtures("transactional_db")
def test_events_of_before_learn_whether_they_have_evidence() -> None:
    profile = person()
    consent.opt_out(profile, "sms", Origin(source=Source.SYSTEM))
    guards.remove()
    MigrationExecutor(connection).migrate([("audiences", "0036_sign_ins")])
    call_command("migrate", verbosity=0)
    told = ConsentEvent.objects.values_list("channel", "has_evidence")
    assert dict(told) == {"email": True, "sms": False}
    assert guards.missing() == []
    assert verify_consent().is_consistent
