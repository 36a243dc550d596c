"""The doctor finds what is wrong, one thing at a time, and says what to do about it."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as configured
from django.core.mail.backends import smtp
from django.db import DatabaseError, OperationalError, ProgrammingError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now
from django.utils import timezone

from audiences.background import clock, figures, presence
from audiences.consent import guards
from audiences.models import Figure, ImportRun, Lease, OutboxMail, Presence
from audiences.sql import execute
from campaign import doctor
from campaign.backups.copies import Backup
from campaign.doctor import Severity, database, findings, machine, mail_domain
from delivery.models import EventKind, InboundItem, MessageEvent
from tests.chaos.surroundings import free_port
from tests.feedback.reports import sent
from tests.people import person

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(hours=3)
SERIOUS, WARNING = Severity.SERIOUS, Severity.WARNING


class World:
    """A site of production that is well, whose parts a case takes away."""

    def __init__(self, settings: Any, monkeypatch: Any, folder: Path) -> None:
        self.settings, self.patch, self.folder = settings, monkeypatch, folder


@pytest.fixture
def world(settings: Any, monkeypatch: Any, tmp_path: Path) -> World:
    if connection.vendor == "postgresql":
        # Tests are in no hurry for the disk.
        execute("SET LOCAL synchronous_commit = on")
    settings.VAR_DIR = tmp_path
    settings.BACKUP_DIR = tmp_path / "backups"
    settings.BACKUP_DIR.mkdir(mode=0o700)
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    (settings.STATIC_ROOT / "staticfiles.json").touch()
    settings.CELERY_BROKER_FOLDERS = [str(tmp_path / "queue")]
    settings.FEEDBACK_IMAP_URL = "imaps://a:b@mail.example.org/INBOX"
    figures.keep("mailbox_read", {})
    presence.note("one")
    clock.take("one")
    _backup(settings.BACKUP_DIR)
    return World(settings, monkeypatch, tmp_path)


def _backup(folder: Path, age: timedelta = timedelta()) -> None:
    (folder / "campaign-1.dump").write_bytes(b"a dump")
    made_at = timezone.now() - age
    Backup("campaign-1.dump", made_at, "0.1.0", "sqlite", "0" * 64).write(folder)


# ------------------------------------------------------------------ what goes wrong
def _worker_of_before(world: World) -> None:
    Presence.objects.update(seen_at=Now() - LONG_AGO)


def _worker_of_another_release(world: World) -> None:
    Presence.objects.create(name="two", version="0.0.1")


def _clock_that_stands(world: World) -> None:
    Lease.objects.update(until=Now() - LONG_AGO)


def _queue_that_is_away(world: World) -> None:
    world.settings.CELERY_BROKER_FOLDERS = []
    url = f"redis://127.0.0.1:{free_port()}/0"
    world.patch.setattr(current_app.conf, "broker_write_url", url)


def _mail_that_waits(world: World) -> None:
    OutboxMail.objects.create(
        kind="link",
        found_by="email",
        to="anna@home.example",
        key="anna@home.example",
        language="en",
        due_at=timezone.now() - LONG_AGO,
    )


def _import_that_waits(world: World) -> None:
    run = ImportRun.objects.create(kind="people", file_name="a.csv")
    ImportRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - LONG_AGO)


def _item_that_waits(world: World) -> None:
    InboundItem.objects.create(
        source="mail",
        external_id="1",
        received_at=timezone.now() - LONG_AGO,
        raw=b"x",
        size=1,
    )


def _mailbox_of_before(world: World) -> None:
    Figure.objects.update(at=timezone.now() - LONG_AGO)


def _mailbox_never_read(world: World) -> None:
    Figure.objects.all().delete()


def _mailbox_of_nobody(world: World) -> None:
    world.settings.FEEDBACK_IMAP_URL = ""
    world.settings.UNSUBSCRIBE_MAILBOX = "unsubscribe@example.org"


def _events_that_are_not_sealed(world: World) -> None:
    from audiences import ledger

    world.patch.setattr(ledger, "lag", lambda: LONG_AGO)


def _many_complaints(world: World) -> None:
    for number in range(10):
        message = sent(f"p{number}@home.example", "Spring", timezone.now())
        if number < 5:
            MessageEvent.objects.create(
                message=message,
                kind=EventKind.COMPLAINT,
                channel="email",
                at=timezone.now(),
                source="mail",
                event_id=str(number),
            )
    figures.refresh("feedback")


def _missing_migration(world: World) -> None:
    rows = MigrationRecorder(connection).migration_qs.filter(app="delivery")
    last = rows.order_by("-name").first()
    assert last
    last.delete()


def _unknown_migration(world: World) -> None:
    MigrationRecorder(connection).record_applied("audiences", "9999_of_the_future")


def _no_backup(world: World) -> None:
    (world.settings.BACKUP_DIR / "campaign-1.dump").unlink()


def _old_backup(world: World) -> None:
    _backup(world.settings.BACKUP_DIR, timedelta(days=2))


def _backups_for_all_to_see(world: World) -> None:
    world.settings.BACKUP_DIR.chmod(0o755)


def _full_disk(world: World) -> None:
    world.patch.setattr(machine, "LEAST_FREE", 1 << 60)


def _folder_of_others(world: World) -> None:
    (world.folder / "a-file").touch()
    world.settings.VAR_DIR = world.folder / "a-file" / "var"


def _few_files(world: World) -> None:
    world.patch.setattr(machine, "LEAST_FILES", 1 << 40)


def _no_style(world: World) -> None:
    (world.settings.STATIC_ROOT / "staticfiles.json").unlink()


def _no_mail_server(world: World) -> None:
    world.settings.EMAIL_BACKEND = f"{smtp.__name__}.EmailBackend"
    world.settings.EMAIL_HOST, world.settings.EMAIL_PORT = "127.0.0.1", free_port()


def _no_spf(world: World) -> None:
    world.settings.DEFAULT_FROM_EMAIL = "news@example.org"
    world.patch.setattr(mail_domain, "texts", lambda name: [])


def _many_on_sqlite(world: World) -> None:
    person()
    world.patch.setattr(database, "MOST_ON_SQLITE", 0)


def _workers_on_sqlite(world: World) -> None:
    world.settings.WORKERS = 4


def _read_only(world: World) -> None:
    execute("SET LOCAL transaction_read_only = on")


def _asynchronous(world: World) -> None:
    execute("SET LOCAL synchronous_commit = off")


def _too_many_connections(world: World) -> None:
    world.settings.WEB_PROCESSES = 500


def _clocks_apart(world: World) -> None:
    world.patch.setattr(database, "CLOCK_DIFFERS", -1.0)


CASES: list[tuple[Callable[[World], None], str, Severity, str, str]] = [
    # what is done, the examination, how bad, what it says, what the remedy names
    (_worker_of_before, "worker", SERIOUS, "3 hours ago", "manage.py worker"),
    (_worker_of_another_release, "worker", WARNING, "0.0.1", "Restart"),
    (_clock_that_stands, "clock of the work", SERIOUS, "ticked", "manage.py worker"),
    (_queue_that_is_away, "queue", SERIOUS, "cannot be reached", "CELERY_BROKER_URL"),
    (_mail_that_waits, "what waits", SERIOUS, "3 hours ago", "send_outbox"),
    (_import_that_waits, "what waits", SERIOUS, "3 hours ago", "manage.py worker"),
    (_item_that_waits, "what waits", SERIOUS, "3 hours ago", "manage.py worker"),
    (_mailbox_of_before, "mailbox", SERIOUS, "3 hours ago", "process_mail"),
    (_mailbox_never_read, "mailbox", WARNING, "never", "process_mail"),
    (_mailbox_of_nobody, "mailbox", WARNING, "UNSUBSCRIBE_MAILBOX", "pipe"),
    (_events_that_are_not_sealed, "ledger", SERIOUS, "180 minutes", "seal_ledger"),
    (_many_complaints, "complaints", SERIOUS, "“Spring”", "whom it went to"),
    (_missing_migration, "migrations", SERIOUS, "1 are missing", "manage.py migrate"),
    (_unknown_migration, "migrations", SERIOUS, "9999_of_the_future", "Never migrate"),
    (_no_backup, "backups", SERIOUS, "none is in", "manage.py backup"),
    (_old_backup, "backups", SERIOUS, "2 days ago", "manage.py backup"),
    (_backups_for_all_to_see, "backups", WARNING, "others", "chmod 700"),
    (_full_disk, "disk", SERIOUS, "MB are free", "Make room"),
    (_folder_of_others, "folders", SERIOUS, "cannot be written", "VAR_DIR"),
    (_few_files, "file handles", WARNING, "may have", "ulimit"),
    (_no_style, "static files", SERIOUS, "pages fail", "collectstatic"),
    (_no_mail_server, "mail server", SERIOUS, "does not let us in", "EMAIL_URL"),
    (_no_spf, "mail domain", SERIOUS, "no SPF", "v=spf1"),
]
SQLITE_CASES: list[tuple[Callable[[World], None], str, Severity, str, str]] = [
    (_many_on_sqlite, "database", WARNING, "one writer", "PostgreSQL"),
    (_workers_on_sqlite, "database", WARNING, "4 workers", "WORKERS=1"),
]
POSTGRESQL_CASES: list[tuple[Callable[[World], None], str, Severity, str, str]] = [
    (_read_only, "database", SERIOUS, "read-only", "DATABASE_URL"),
    (_asynchronous, "database", SERIOUS, "may be lost", "synchronous_commit = on"),
    (_too_many_connections, "database", SERIOUS, "connections", "max_connections"),
    (_clocks_apart, "clock", SERIOUS, "differ by", "NTP"),
]
ALL = [
    *CASES,
    *(
        POSTGRESQL_CASES
        if "postgres" in configured.DATABASES["default"]["ENGINE"]
        else SQLITE_CASES
    ),
]


def told_by(name: str) -> list[doctor.Finding]:
    """What one examination tells somebody to do something about."""
    return [
        finding
        for finding in doctor.examinations()[name].make()
        if finding.severity in (SERIOUS, WARNING)
    ]


@pytest.mark.parametrize(
    ("break_it", "name", "severity", "what", "remedy"),
    ALL,
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_each_thing_that_is_wrong_is_found_with_its_remedy(
    world: World,
    break_it: Callable[[World], None],
    name: str,
    severity: Severity,
    what: str,
    remedy: str,
) -> None:
    before = told_by(name) if name != "mail domain" else []
    break_it(world)
    new = [finding for finding in told_by(name) if finding not in before]
    (found,) = [finding for finding in new if what in finding.what]
    assert found.severity is severity
    assert remedy in found.remedy
    assert "Traceback" not in found.what


# ------------------------------------------------------------------ all of it
def test_a_site_that_is_well_hears_nothing_serious(world: World) -> None:
    """But for what the settings of the tests are."""
    world.settings.SITE_ROLE = ""
    found = list(doctor.examine(asks_network=False))
    serious = [f for f in found if f.severity is SERIOUS]
    assert [f for f in serious if not f.subject.startswith("settings")] == []
    assert all(f.page for f in found if f.severity in (SERIOUS, WARNING))
    assert {f.night for f in found if f.severity is Severity.FINE} == {""}


def test_missing_guards_are_named(world: World) -> None:
    guards.remove()
    (found,) = told_by("guards")
    guards.install()
    assert (found.severity, "verify_consent" in found.remedy) == (SERIOUS, True)


@pytest.mark.parametrize(
    ("error", "words", "remedy"),
    [
        (OperationalError("connection refused"), "did not answer", "DATABASE_URL"),
        (
            ProgrammingError("permission denied for table x"),
            "refused",
            "grant_site_role",
        ),
        (ProgrammingError('relation "x" does not exist'), "wants it", "migrate"),
        (OperationalError("no such table: x"), "wants it", "migrate"),
    ],
)
def test_what_the_database_would_not_let_us_see_has_its_reason(
    error: DatabaseError, words: str, remedy: str
) -> None:
    found = findings._of_error("worker", error)
    assert words in found.what
    assert remedy in found.remedy
    assert os.path.exists(configured.BASE_DIR / found.page)
