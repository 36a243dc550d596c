"""A database that takes nothing in, or not every text: plain words, nothing half done."""

import errno
import os
import uuid
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, ProgrammingError, connection
from django.test import Client

from audiences.links import Link, web_addresses
from audiences.models import ConsentEvent, Profile
from audiences.sql import execute
from audiences.terminal import CampaignCommand
from tests.people import person
from tests.upgrades.dump import manage


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
    with pytest.raises(CommandError, match=r"The database failed: .*read.?only"):
        call_command("opt_out", f"id:{pk}", "--any")
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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (OSError(errno.EACCES, "Permission denied", "/srv/x"), "/srv/x: Permission"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), ""),
        (OperationalError("disk full\nCONTEXT: more"), "failed: disk full. See"),
        (ProgrammingError("no such column"), ""),
    ],
    ids=str,
)
def test_a_machine_that_fails_is_one_line_and_our_own_fault_a_traceback(
    error: Exception, said: str
) -> None:
    class Failing(CampaignCommand):
        needs_migrated_database = False

        def run(self, **options: Any) -> None:
            raise error

    with pytest.raises(CommandError if said else type(error), match=said or None):
        call_command(Failing())


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
