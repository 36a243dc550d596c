"""The site works as a role that may change neither the schema nor the histories."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences import addresses, consent, landing_pages, privacy, subscriptions
from audiences.background import figures
from audiences.consent import site_role
from audiences.imports import runs
from audiences.models import ConsentEvent, ConsentEvidence, Profile
from audiences.records.verification import verify_consent
from audiences.selections import bulk_acts
from audiences.sql import execute, fetch
from delivery import analysis, quarantine
from delivery.models import MessageEvent
from tests.factories import BY_COMMAND, ServiceFactory

from .conftest import make_world

pytestmark = [pytest.mark.django_db]
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="roles are PostgreSQL's"
)


@pytest.fixture
def role(db: None) -> Iterator[str]:
    """A role that goes with the test's transaction, and has what it was granted."""
    name = f"campaign_site_{uuid.uuid4().hex[:8]}"
    execute(f"CREATE ROLE {name}")
    site_role.grant(name)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    return name


@pytest.fixture
def as_site(role: str) -> Iterator[str]:
    execute(f"SET LOCAL ROLE {role}")
    yield role
    execute("RESET ROLE")


@on_postgresql
def test_everything_that_the_site_does_works_as_its_role(
    as_site: str, settings: Any
) -> None:
    world = make_world()
    assert fetch("SELECT current_user")[0][0] == as_site
    person = world.people[0]
    consent.opt_out_all(Profile.objects.all(), "sms", BY_COMMAND)
    addresses.attach(person, "email", "second@example.com")
    subscriptions.subscribe_all(Profile.objects.all(), ServiceFactory(), BY_COMMAND)
    bulk_acts.begin(
        "unsubscribe", {"ids": str(person.pk)}, actor="e", details={"service": "news"}
    )
    run = runs.upload("p.csv", [b"external_id,email\nZ1,z@example.com\n"], actor="eva")
    runs.perform(run)
    runs.confirm(run)
    runs.perform(run)
    assert Profile.objects.filter(external_id="Z1").exists()
    quarantine.set_status("email", "q@example.com", "denylisted", source="test")
    analysis.analyse(world.draft)
    figures.refresh()
    landing_pages.publish(landing_pages.create("another", kind="denylist"))
    privacy.clean_up(timezone.now() + timedelta(days=30))
    privacy.erase(person)
    assert not ConsentEvidence.objects.filter(event__profile_id=person.pk).exists()
    assert verify_consent().is_consistent


@on_postgresql
def test_the_console_opens_as_the_role(as_site: str, admin_client: Client) -> None:
    make_world()
    for name in ("audiences_profile", "delivery_delivery", "auth_user"):
        assert admin_client.get(reverse(f"admin:{name}_changelist")).status_code == 200
    assert admin_client.get("/admin/").status_code == 200


EVENTS, EVIDENCE = ConsentEvent._meta.db_table, ConsentEvidence._meta.db_table
FORBIDDEN = [
    f"UPDATE {EVENTS} SET kind = 'opt_in'",
    f"DELETE FROM {EVENTS}",
    f"TRUNCATE {EVENTS} CASCADE",
    f"UPDATE {EVIDENCE} SET note = ''",
    f"DELETE FROM {MessageEvent._meta.db_table}",
    f"UPDATE {MessageEvent._meta.db_table} SET kind = 'x'",
    "DELETE FROM audiences_landingpageversion",
    "UPDATE audiences_landingpageversion SET number = 7",
    f"DROP TRIGGER {EVENTS}_append_only ON {EVENTS}",
    f"ALTER TABLE {EVENTS} DISABLE TRIGGER ALL",
    f"ALTER TABLE {EVENTS} ADD COLUMN extra integer",
    f"DROP TABLE {EVIDENCE}",
    f"CREATE OR REPLACE FUNCTION {EVENTS}_append_only() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NULL;END'",
    "CREATE TABLE public.mine (id integer)",
    "SET LOCAL session_replication_role = replica",
    "UPDATE django_migrations SET name = 'x'",
]


@on_postgresql
@pytest.mark.parametrize("sql", FORBIDDEN)
def test_the_role_may_change_neither_the_schema_nor_a_history(
    sql: str, as_site: str
) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        execute(sql)


@on_postgresql
def test_what_was_granted_too_much_is_taken_back(role: str) -> None:
    execute(f"GRANT ALL ON {EVENTS} TO {role}; GRANT CREATE ON SCHEMA public TO {role}")
    call_command("grant_site_role", role)
    execute(f"SET LOCAL ROLE {role}")
    with pytest.raises(ProgrammingError), transaction.atomic():
        execute(f"UPDATE {EVENTS} SET kind = 'opt_in'")
    with pytest.raises(ProgrammingError), transaction.atomic():
        execute("CREATE TABLE public.mine (id integer)")
    execute("RESET ROLE")


@on_postgresql
def test_each_migrate_gives_the_role_what_it_needs(settings: Any) -> None:
    settings.SITE_ROLE = name = f"campaign_site_{uuid.uuid4().hex[:8]}"
    execute(f"CREATE ROLE {name}")
    call_command("migrate", verbosity=0)
    (row,) = fetch("SELECT has_table_privilege(%s, %s, 'INSERT')", [name, EVENTS])
    assert row[0]


@on_postgresql
@pytest.mark.parametrize("name", ["nobody_here", "postgres"])
def test_a_role_that_cannot_be_the_sites_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match=name):
        call_command("grant_site_role", name)


def _warned() -> bool:
    return "audiences.W001" in {m.id for m in run_checks(databases=["default"])}


@on_postgresql
def test_a_check_warns_while_the_site_works_as_the_owner(
    role: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _warned()
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate"])
    assert not _warned(), "the owner migrates"
    monkeypatch.undo()
    execute(f"SET LOCAL ROLE {role}")
    assert not _warned()
    execute("RESET ROLE")
    settings.DEBUG = True
    assert not _warned()


@pytest.mark.skipif(connection.vendor == "postgresql", reason="about SQLite")
def test_sqlite_has_no_roles_and_says_so() -> None:
    with pytest.raises(CommandError, match="SQLite"):
        call_command("grant_site_role", "site")
    assert not _warned()


def test_every_table_of_the_models_is_in_the_statements(capsys: Any) -> None:
    call_command("grant_site_role", "site", "--dry-run")
    text = capsys.readouterr().out
    for table in (EVENTS, EVIDENCE, "audiences_profile", "django_session", "auth_user"):
        assert f'"{table}" TO "site";' in text
    assert f'GRANT SELECT, INSERT ON "{EVENTS}"' in text
