"""Sealing loses no late commit, and goes on after a restore; nobody alters what it wrote."""

import time
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from audiences import consent, landing_pages, ledger, privacy, sql
from audiences.changes import Seen
from audiences.consent import Origin, guards
from audiences.ledger import sealing
from audiences.models import (
    ConsentEvent,
    LandingPage,
    LedgerCheckpoint,
    LedgerErasure,
    LedgerLeaf,
    LedgerNode,
    LedgerRemoval,
    LedgerSalt,
    LedgerState,
    LedgerWording,
    Profile,
)
from audiences.roles import Code
from audiences.sql import execute
from tests.admin.test_roles import in_role
from tests.delivery.sessions import open_transaction
from tests.people import ORIGIN, ago, person

pytestmark = pytest.mark.django_db
EVENT = LedgerLeaf.Kind.EVENT
ON_PG = connection.vendor == "postgresql"
needs_sessions = pytest.mark.skipif(not ON_PG, reason="SQLite has one writer")


def sealed(kind: int = EVENT) -> list[int]:
    """The rows that have leaves, in the order of the leaves."""
    rows = LedgerLeaf.objects.filter(kind=kind).order_by("id")
    return list(rows.values_list("source_id", flat=True))


def events() -> list[int]:
    return list(ConsentEvent.objects.order_by("pk").values_list("pk", flat=True))


def _seal_all() -> None:
    """Other databases of the server have transactions too: the horizon waits for them."""
    for _attempt in range(3_000):
        ledger.seal()
        if not ledger.unsealed().exists():
            return
        time.sleep(0.1)


@needs_sessions
@pytest.mark.django_db(transaction=True)
def test_a_late_commit_is_sealed_in_the_order_of_its_transaction() -> None:
    slow, quick, gone = (person(email=f"p{n}@x.example") for n in range(3))
    _seal_all()
    late = open_transaction(lambda: consent.opt_out(slow, "email", ORIGIN))
    consent.opt_out(quick, "email", ORIGIN)
    ledger.seal()
    # By id it would be sealed now, and the late one passed over.
    assert sealed() == []
    assert ledger.lag().total_seconds() > 0
    late.finish()
    _seal_all()
    assert sealed() == events()
    assert len(sealed()) == 2

    # A wording and an erasure that commit late have no leaf until then.
    page = landing_pages.create("news", kind=LandingPage.Kind.PREFERENCES)
    publishing = open_transaction(lambda: landing_pages.publish(page, actor="eva"))
    _seal_without(LedgerLeaf.Kind.VERSION)
    publishing.finish()
    erasing = open_transaction(lambda: privacy.erase(gone))
    ledger.seal()
    assert len(sealed(LedgerLeaf.Kind.VERSION)) == 1
    erasing.finish()
    _seal_all()
    assert sealed(LedgerLeaf.Kind.ERASURE) == [LedgerErasure.objects.get().pk]
    assert not ledger.verify(keys=ledger.known_keys()).differences


def _seal_without(kind: int) -> None:
    ledger.seal()
    assert sealed(kind) == []


@needs_sessions
@pytest.mark.django_db(transaction=True)
def test_who_is_erased_while_sealing_gets_no_new_salt() -> None:
    one = person(email="p@x.example", out="email")
    erasing = open_transaction(lambda: privacy.erase(one))
    # It waits for the name of the one who goes.
    with pytest.raises(DatabaseError, match="lock timeout"):
        _hold_in_vain()
    erasing.finish()
    _seal_all()
    assert not LedgerSalt.objects.exists()
    assert sealed() == events()
    assert not ledger.verify(keys=ledger.known_keys()).differences


def _hold_in_vain() -> None:
    with transaction.atomic():
        execute("SET LOCAL lock_timeout = '100ms'")
        sql.hold(sealing.subjects.LOCK)


def test_batches_go_on_where_the_last_one_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    people = [person(email=f"p{n}@x.example", out="email") for n in range(8)]
    assert ledger.seal().leaves == 1 + 5 + 8
    assert sealed() == events()
    consent.opt_in(people[0], "email", ORIGIN)
    assert ledger.seal().leaves == 1
    assert ledger.seal().leaves == 0
    assert LedgerSalt.objects.count() == 8
    # Only the first event of a person gives a name.
    salts = set(LedgerSalt.objects.values_list("profile_id", flat=True))
    assert salts == {one.pk for one in people}


def test_a_backup_that_is_restored_into_another_server_is_sealed_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = person(email="p@x.example", out="email")
    ledger.seal()
    consent.opt_in(one, "email", ORIGIN)  # not sealed when the backup was made
    last = ConsentEvent.objects.latest("pk").transaction_id or 0
    LedgerState.objects.update(transaction_id=last - 1)
    if LedgerState.objects.get().transaction_id:
        # The new server counts from a low number.
        monkeypatch.setattr(sealing, "horizon", lambda: Seen(1, 1))
        ledger.seal()
        assert sealed() == events()
    monkeypatch.setattr(sealing, "horizon", lambda: Seen(last + 1, last + 1))
    consent.opt_out(one, "email", ORIGIN)
    ledger.seal()
    assert len(set(sealed())) == len(sealed())


def test_the_database_notes_when_an_event_is_written_down() -> None:
    one = person(email="p@x.example")
    consent.opt_out(one, "email", Origin(source="import", note="x", at=ago(90)))
    past = ago(80).isoformat(sep=" ")
    execute(
        "INSERT INTO audiences_consentevent (profile_id, at, kind, channel, source,"
        " wording_version, has_evidence, recorded_at)"
        f" VALUES ({one.pk}, '{past}', 'opt_in', 'sms', 'import', '', false, '{past}')"
    )
    for event in ConsentEvent.objects.all():
        assert event.recorded_at
        assert event.recorded_at > ago(1)


def test_people_erased_before_the_ledger_came_have_a_name_without_a_salt() -> None:
    one, other = person(out="email"), person(out="email")
    LedgerSalt.objects.all().delete()
    guards.remove()  # of that time are those who went without an event of it
    Profile.objects.filter(pk=one.pk).delete()
    if connection.vendor == "postgresql":
        sql.execute("SET CONSTRAINTS ALL IMMEDIATE")
    guards.install()
    ledger.seal()
    erased = LedgerErasure.objects.get()
    assert (erased.profile_id, erased.at, erased.is_sealed) == (one.pk, None, True)
    assert LedgerSalt.objects.get().profile_id == other.pk
    assert sealed(LedgerLeaf.Kind.ERASURE) == [erased.pk]


@pytest.mark.parametrize(
    "model", [LedgerLeaf, LedgerNode, LedgerCheckpoint, LedgerRemoval, LedgerWording]
)
def test_what_is_sealed_cannot_be_altered(model: Any) -> None:
    person(out="email")
    ledger.seal()
    ledger.make_checkpoint()
    if model is LedgerRemoval:
        model.objects.create(before=timezone.now(), at=timezone.now())
    elif not model.objects.exists():
        model.objects.create(level=9, number=0, hash=b"x")
    column = model._meta.fields[1].column
    for attack in (
        f"UPDATE {model._meta.db_table} SET {column} = {column}",
        f"DELETE FROM {model._meta.db_table}",
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            execute(attack)


def test_the_console_shows_checkpoints_and_what_keeps_them(settings: Any) -> None:
    one = person(email="p@x.example", out="email")
    ledger.seal()
    checkpoint = ledger.make_checkpoint()[0]
    officer = in_role(Code.PROTECTION_OFFICER)
    url = "/admin/audiences/ledgercheckpoint/"
    assert checkpoint.note.split("\n")[2] in officer.get(url).content.decode()
    detail = officer.get(f"{url}{checkpoint.pk}/change/").content.decode()
    assert "news.example.org/ledger" in detail
    receipt = officer.get(f"/admin/audiences/profile/{one.pk}/receipt/")
    assert receipt.json()["pii_principal"]["profile"] == one.pk
    settings.LEDGER_KEY = ""
    assert "Nobody signs the ledger" in officer.get(url).content.decode()
    assert "Nobody signs the ledger" in officer.get("/admin/").content.decode()
    viewer: Client = in_role(Code.VIEWER)
    assert viewer.get(url).status_code == 403
    assert "Nobody signs" not in viewer.get("/admin/").content.decode()
