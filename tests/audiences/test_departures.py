"""People and suppressed addresses leave no table without a trace."""

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audiences import consent, privacy
from audiences.consent import guards
from audiences.models import Address, Profile, Suppression
from audiences.records.verification import verify_consent
from audiences.sql import execute
from tests.people import ORIGIN, person

pytestmark = pytest.mark.django_db
PEOPLE, LIST = Profile._meta.db_table, Suppression._meta.db_table
ON_PG = connection.vendor == "postgresql"
ALL = "id, external_id, first_name, last_name, language, country"
ATTACKS = {
    "delete": f"DELETE FROM {PEOPLE}",
    "delete the opted out": f"DELETE FROM {PEOPLE} WHERE no_longer_contact_email",
    "another id": f"UPDATE {PEOPLE} SET id = id + 1000",
    "delete the list": f"DELETE FROM {LIST}",
    **(
        {
            "truncate": f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {PEOPLE} CASCADE",
            "truncate the list": f"TRUNCATE {LIST}",
            "replica": f"SET LOCAL session_replication_role = replica;"
            f" DELETE FROM {PEOPLE}",
        }
        if ON_PG
        else {
            "replace": f"REPLACE INTO {PEOPLE} ({ALL}) SELECT {ALL} FROM {PEOPLE}",
            "replace by external id": f"REPLACE INTO {PEOPLE} (external_id, first_name,"
            " last_name, language, country) VALUES ('J1', '', '', '', '')",
            "push out": f"UPDATE OR REPLACE {PEOPLE} SET external_id = 'J1'"
            " WHERE external_id = 'E1'",
            "replace the list": f"REPLACE INTO {LIST} SELECT * FROM {LIST}",
        }
    ),
}


@pytest.fixture
def jan() -> Profile:
    privacy.erase(person(email="piet@x.example"))
    person(external_id="E1", email="els@x.example")
    return person(external_id="J1", email="jan@x.example", out="email")


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_that_would_lose_somebody_is_refused(attack: str, jan: Profile) -> None:
    Address.objects.all().delete()
    with pytest.raises(DatabaseError, match="only"), transaction.atomic():
        execute(ATTACKS[attack])
    assert Profile.objects.filter(external_id="J1").get().no_longer_contact_email
    assert (Profile.objects.count(), Suppression.objects.count()) == (2, 1)


def test_the_orm_gets_the_same_answer(jan: Profile) -> None:
    with pytest.raises(DatabaseError, match="only by erasure"), transaction.atomic():
        jan.delete()
    with pytest.raises(DatabaseError, match="only by erasure"), transaction.atomic():
        Profile.objects.all().delete()
    assert Profile.objects.count() == 2


def test_an_erased_number_is_never_given_again(jan: Profile) -> None:
    gone = jan.pk
    privacy.erase(jan)
    with pytest.raises(DatabaseError, match="only by erasure"), transaction.atomic():
        Profile.objects.create(pk=gone)
    assert Profile.objects.create().pk > gone
    assert verify_consent().is_consistent


def test_who_vanishes_behind_the_guards_is_found(jan: Profile) -> None:
    guards.remove()
    erased = person(out="sms")
    for profile in (jan, erased):
        profile.addresses.all().delete()
    Profile.objects.filter(pk__in=[jan.pk, erased.pk])._raw_delete("default")
    consent.record(erased, consent.Kind.ERASE, ORIGIN)
    Profile.objects.create(pk=erased.pk)
    connection.check_constraints()  # PostgreSQL alters no table before
    guards.install()
    found = {line.partition(":")[0] for line in verify_consent().differences}
    assert found == {f"profile {jan.pk}", f"profile {erased.pk}"}
    with pytest.raises(CommandError):
        call_command("verify_consent", "--json")


def test_the_guards_are_checked_and_put_back() -> None:
    names = [
        name
        for guard in (guards.GUARDS[f"PersonGuard {PEOPLE}"],)
        for name in (guard.pg_triggers if ON_PG else guard.sqlite_triggers())
    ]
    for name in names:
        execute(f"DROP TRIGGER {name}" + (f" ON {PEOPLE}" if ON_PG else ""))
    assert set(names) <= set(guards.missing())
    guards.install()
    assert not guards.missing()
