"""A full disk and a database that takes nothing in: plain words, nothing half done."""

import os
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from audiences.links import Link, web_addresses
from audiences.models import ConsentEvent, Profile
from audiences.sql import execute
from campaign import backups
from campaign.backups import copies
from tests.people import person
from tests.upgrades.dump import manage

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db(transaction=True)
def test_a_read_only_database_opts_nobody_half_out_and_comes_back(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    pk = person().pk
    url = web_addresses.one_click_url(Link(pk, "email"))
    is_postgresql = connection.vendor == "postgresql"
    body = {"List-Unsubscribe": "One-Click"}
    execute(
        "SET default_transaction_read_only = on"
        if is_postgresql
        else "PRAGMA query_only = ON"
    )
    refused = client.post(url, body)
    execute(
        "SET default_transaction_read_only = off"
        if is_postgresql
        else "PRAGMA query_only = OFF"
    )
    assert (refused.status_code, refused["Retry-After"]) == (503, "60")
    kind = "ReadOnlySqlTransaction" if is_postgresql else "OperationalError"
    assert f"did not do what a public page asked: {kind}." in caplog.text
    assert not ConsentEvent.objects.exists()
    assert not Profile.objects.get(pk=pk).no_longer_contact_email
    assert client.post(url, body).status_code == 200
    assert Profile.objects.get(pk=pk).no_longer_contact_email


# A process in which no file may grow beyond this: as when the disk is full.
_FULL = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
os.execv(sys.executable, [sys.executable, "manage.py", *sys.argv[1:]])
"""


@pytest.mark.own_database
def test_a_full_disk_leaves_no_backup_that_looks_like_one(tmp_path: Path) -> None:
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path}/a.sqlite3"}
    manage = [sys.executable, "manage.py"]
    subprocess.run(
        [*manage, "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True
    )
    words = [sys.executable, "-c", _FULL, "backup", "--to", str(tmp_path / "to")]
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert [*(tmp_path / "to").iterdir()] == []


@pytest.mark.own_database
def test_an_empty_restore_is_not_called_whole(tmp_path: Path) -> None:
    """Only the comparison: the drill as a whole is run by `restore_drill` itself."""
    from campaign.backups.restoring import _differences

    noted = {"counts": {"address": 20, "profile": 10}}
    empty = {"counts": {"address": 0, "profile": 10}}
    assert len(_differences(noted, empty)) == 2
    assert _differences({"counts": {"address": 0}}, {"counts": {"address": 0}})
    assert not _differences(noted, noted)


def test_a_backup_that_was_cut_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "campaign-1.dump"
    file.write_bytes(b"all of it")
    from django.utils import timezone

    made = copies.Backup(
        file.name,
        timezone.now(),
        "0.1.0",
        "sqlite",
        copies.digest(file),
        {"counts": {}},
    )
    made.write(tmp_path)
    assert backups.of_file(file).sha256 == made.sha256
    assert backups.newest(tmp_path) == backups.of_file(file)
    file.write_bytes(b"all of")
    with pytest.raises(backups.copies.Refused, match="cut or altered"):
        backups.of_file(file)


@pytest.mark.own_database
def test_a_database_without_an_encoding_is_refused_before_it_is_filled() -> None:
    """As PostgreSQL makes them where it was set up without a locale."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps text as UTF-8")
    server, name = os.environ["DATABASE_URL"], f"ascii_{uuid.uuid4().hex[:8]}"
    kind = "ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'"
    with closing(psycopg2.connect(server)) as made:
        made.autocommit = True
        made.cursor().execute(f"CREATE DATABASE {name} {kind}")
        url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        ((code, said),) = manage(url, "check --database default")
        made.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert code == 1
    assert "SQL_ASCII" in said
    assert "createdb --encoding UTF8" in said
