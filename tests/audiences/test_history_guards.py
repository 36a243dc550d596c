"""The database itself refuses to change the consent history."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, connection, models, transaction

from audiences import consent, privacy
from audiences.consent import guards
from audiences.models import ConsentEvent, Profile
from audiences.records.verification import verify_consent
from audiences.sql import execute
from tests.factories import BY_COMMAND, ProfileFactory

pytestmark = pytest.mark.django_db
T = guards.TABLE
ON_PG = connection.vendor == "postgresql"
COLUMNS = "id, profile_id, at, kind, channel, source"
AGAIN = f"SELECT {COLUMNS} FROM {T}"
ATTACKS = {
    "update": f"UPDATE {T} SET kind = 'opt_in'",
    "delete": f"DELETE FROM {T}",
    "upsert": f"INSERT INTO {T} ({COLUMNS}) {AGAIN} WHERE true"
    " ON CONFLICT (id) DO UPDATE SET kind = 'opt_in'",
}
if ON_PG:
    ATTACKS |= {
        "truncate": f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {T} CASCADE",
        "replica": f"SET LOCAL session_replication_role = replica; DELETE FROM {T}",
    }
else:
    ATTACKS |= {
        "replace": f"REPLACE INTO {T} ({COLUMNS}) {AGAIN}",
        "insert or replace": f"INSERT OR REPLACE INTO {T} ({COLUMNS}) {AGAIN}",
        "replace by text": f"REPLACE INTO {T} ({COLUMNS})"
        f" SELECT CAST(id AS TEXT), profile_id, at, kind, channel, source FROM {T}",
        "update or replace": f"UPDATE OR REPLACE {T} SET kind = 'opt_in'",
    }


def attempt(sql: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute(sql)


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_that_would_change_the_history_is_refused(attack: str) -> None:
    consent.opt_out(ProfileFactory(), "email", BY_COMMAND)
    attempt(ATTACKS[attack])
    assert ConsentEvent.objects.get().kind == "opt_out"


@pytest.mark.parametrize("act", ["delete", "update", "save"])
def test_the_orm_cannot_change_it_either(act: str) -> None:
    consent.opt_out(ProfileFactory(), "email", BY_COMMAND)
    event = ConsentEvent.objects.get()
    acts: dict[str, Any] = {
        "delete": ConsentEvent.objects.all()._raw_delete,
        "update": lambda using: ConsentEvent.objects.update(channel="sms"),
        "save": lambda using: event.save(),
    }
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        acts[act](using="default")


DAMAGE = (
    {
        "missing": f"DROP TRIGGER {T}_append_only ON {T}",
        "disabled": f"ALTER TABLE {T} DISABLE TRIGGER {T}_append_only",
        "only for origin": f"ALTER TABLE {T} ENABLE TRIGGER {T}_append_only",
        "hollow": f"CREATE OR REPLACE FUNCTION {T}_append_only() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NULL;END'",
        "conditional": f"DROP TRIGGER {T}_append_only ON {T};"
        f" CREATE TRIGGER {T}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {T}"
        f" FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION {T}_append_only();"
        f" ALTER TABLE {T} ENABLE ALWAYS TRIGGER {T}_append_only",
    }
    if ON_PG
    else {
        f"missing {kind}": f"DROP TRIGGER {T}_no_{kind}"
        for kind in ("update", "delete", "replace")
    }
)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_migrate_repairs_it(damage: str) -> None:
    for statement in DAMAGE[damage].split("; "):
        execute(statement)
    assert not verify_consent().is_consistent
    with pytest.raises(CommandError):
        call_command("verify_consent", "--json")
    with pytest.raises(SystemCheckError, match=r"audiences\.E001"):
        call_command("check", databases=["default"])
    call_command("migrate", verbosity=0)
    assert guards.missing() == []
    call_command("check", databases=["default"])


@pytest.mark.usefixtures("transactional_db")
def test_guards_are_back_after_a_migration_alters_the_table() -> None:
    consent.opt_out(ProfileFactory(), "email", BY_COMMAND)
    field = models.CharField(max_length=77, db_default="")
    field.set_attributes_from_name("extra")
    field.model = ConsentEvent
    guards.step_aside(plan=["a migration"])
    with connection.schema_editor() as editor:
        editor.add_field(ConsentEvent, field)
    call_command("migrate", verbosity=0)
    for sql in ATTACKS.values():
        attempt(sql)
    guards.remove()
    execute(f"ALTER TABLE {T} DROP COLUMN extra")
    guards.install()


@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_changed_behind_the_writer_is_found(flag: bool) -> None:
    profile = ProfileFactory()
    if not flag:
        consent.opt_out(profile, "sms", BY_COMMAND)
    assert verify_consent().is_consistent
    Profile.objects.update(no_longer_contact_sms=flag)
    (line,) = verify_consent().differences
    assert f"profile {profile.pk}: no_longer_contact_sms" in line


def test_an_erased_profile_keeps_its_events_and_nothing_else() -> None:
    profile = ProfileFactory(email="jan@x.example")
    pk = profile.pk
    consent.opt_out(profile, "sms", BY_COMMAND)
    privacy.erase(profile)
    report = verify_consent()
    assert (report.is_consistent, report.erased_profiles) == (True, [pk])
    events = consent.events_of(pk)
    assert [event.kind for event in events] == ["erase", "opt_out"]
    assert not any(hasattr(event, "evidence") for event in events)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="REPLACE is SQLite's")
@pytest.mark.usefixtures("transactional_db")
def test_replace_by_a_unique_key_of_a_later_migration_is_refused() -> None:
    consent.opt_out(Profile.objects.create(), "sms", BY_COMMAND)
    table = guards.TABLE
    execute(f"CREATE UNIQUE INDEX later ON {table} (profile_id, kind)")
    try:
        guards.install_after_migrate()
        assert guards.missing() == []
        with pytest.raises(DatabaseError, match="append-only"):
            execute(
                f"INSERT OR REPLACE INTO {table} (profile_id, at, kind, channel,"
                " source, wording_version) SELECT profile_id, at, kind, 'email',"
                f" source, '' FROM {table}"
            )
        assert ConsentEvent.objects.get().channel == "sms"
    finally:
        execute("DROP INDEX later")
        guards.install()
