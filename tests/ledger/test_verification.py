"""What the owner of the database alters is found, named, and found again from outside."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audiences import consent, landing_pages, ledger, privacy, subscriptions
from audiences.consent import Origin, guards
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    LandingPageVersion,
    LedgerCheckpoint,
    LedgerErasure,
    LedgerLeaf,
    LedgerNode,
    LedgerSalt,
    LedgerState,
    Profile,
)
from audiences.sql import execute
from tests.people import ORIGIN, person

pytestmark = pytest.mark.django_db
EVENTS, EVIDENCE = ConsentEvent._meta.db_table, ConsentEvidence._meta.db_table
VERSIONS = LandingPageVersion._meta.db_table
COLUMNS = "profile_id, at, kind, channel, source, wording_version, has_evidence"


@pytest.fixture
def world() -> list[Profile]:
    """Three people with a history, a page, a service; all of it sealed and signed."""
    service = subscriptions.create_service("news", label="News", channel="email")
    page = landing_pages.create("news", kind="subscription", service=service)
    landing_pages.publish(page, actor="eva")
    people = [person(email=f"p{n}@x.example") for n in range(3)]
    for one in people:
        consent.opt_out(one, "email", ORIGIN)
    seen = Origin(source="landing_page", ip="192.0.2.1", wording_version="news/1")
    consent.opt_in(people[0], "email", seen)
    ledger.seal()
    ledger.make_checkpoint()
    return people


def verified(*arguments: str) -> dict[str, Any]:
    """What verify_ledger says, and that its exit code agrees."""
    out = io.StringIO()
    try:
        call_command("verify_ledger", "--json", *arguments, stdout=out)
    except CommandError:
        assert not json.loads(out.getvalue())["consistent"]
    else:
        assert json.loads(out.getvalue())["consistent"]
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def differences(*arguments: str) -> list[tuple[str, int | None]]:
    return [(d["what"], d["id"]) for d in verified(*arguments)["differences"]]


def as_owner(*statements: str) -> None:
    """What somebody does who can take the guards off and put them on again."""
    guards.remove()
    for statement in statements:
        execute(statement)
    _guarded_again()


def _guarded_again() -> None:
    if connection.vendor == "postgresql":
        execute("SET CONSTRAINTS ALL IMMEDIATE")
    guards.install()


def _first(**about: Any) -> int:
    return ConsentEvent.objects.filter(**about).order_by("pk")[0].pk


def _altered(column: str, value: str) -> Callable[[], list[tuple[str, int]]]:
    def attack() -> list[tuple[str, int]]:
        pk = _first(kind="opt_in")
        as_owner(f"UPDATE {EVENTS} SET {column} = {value} WHERE id = {pk}")
        return [("event", pk)]

    return attack


def _deleted_opt_out() -> list[tuple[str, int]]:
    pk = _first(kind="opt_out")
    as_owner(
        f"DELETE FROM {EVIDENCE} WHERE event_id = {pk}",
        f"DELETE FROM {EVENTS} WHERE id = {pk}",
        "UPDATE audiences_profile SET no_longer_contact_email = false",
    )
    return [("event", pk)]


def _inserted_opt_in() -> list[tuple[str, int]]:
    """No guard is touched."""
    past = (timezone.now() - timedelta(days=30)).isoformat(sep=" ")
    pk = Profile.objects.order_by("pk")[0].pk
    execute(
        f"INSERT INTO {EVENTS} ({COLUMNS}) VALUES ({pk}, '{past}', 'opt_in', 'sms',"
        " 'landing_page', '', false)"
    )
    return [("event", ConsentEvent.objects.latest("pk").pk)]


def _inserted_with_all_numbers() -> list[tuple[str, int]]:
    """With the guards off, as if it had been there all the time."""
    past = (timezone.now() - timedelta(days=30)).isoformat(sep=" ")
    pk = Profile.objects.order_by("pk")[0].pk
    as_owner(
        f"INSERT INTO {EVENTS} ({COLUMNS}, transaction_id, recorded_at) VALUES ({pk},"
        f" '{past}', 'opt_in', 'sms', 'landing_page', '', false, 0, '{past}')"
    )
    return [("event", ConsentEvent.objects.latest("pk").pk)]


def _evidence(statement: str) -> Callable[[], list[tuple[str, int]]]:
    def attack() -> list[tuple[str, int]]:
        pk = _first(kind="opt_out")
        as_owner(statement.format(EVIDENCE, pk))
        return [("evidence", pk)]

    return attack


def _altered_page() -> list[tuple[str, int]]:
    pk = LandingPageVersion.objects.get().pk
    text = LandingPageVersion.objects.get().content
    text["texts"]["en"]["agreement"] = "Everything is allowed."
    guards.remove()
    LandingPageVersion.objects.filter(pk=pk).update(content=text)
    _guarded_again()
    return [("wording", pk)]


def _missing_page() -> list[tuple[str, int]]:
    pk = LandingPageVersion.objects.get().pk
    as_owner(
        "UPDATE audiences_landingpage SET live_version_id = NULL",
        f"DELETE FROM {VERSIONS}",
    )
    return [("wording", pk)]


def _truncated() -> list[tuple[str, int]]:
    ids = list(ConsentEvent.objects.order_by("pk").values_list("pk", flat=True))
    as_owner(f"DELETE FROM {EVIDENCE}", f"DELETE FROM {EVENTS}")
    return [("event", pk) for pk in ids]


ATTACKS: dict[str, Callable[[], list[tuple[str, int]]]] = {
    "time": _altered("at", "'2025-01-01 10:00:00+00'"),
    "recorded": _altered("recorded_at", "'2025-01-01 10:00:00+00'"),
    "source": _altered("source", "'operator'"),
    "wording": _altered("wording_version", "'news/2'"),
    "kind": _altered("kind", "'opt_out'"),
    "channel": _altered("channel", "'sms'"),
    "delivery": _altered("delivery_id", "7"),
    "person": _altered("profile_id", "profile_id + 1"),
    "deleted opt-out": _deleted_opt_out,
    "inserted opt-in": _inserted_opt_in,
    "inserted with numbers": _inserted_with_all_numbers,
    "emptied evidence": _evidence("UPDATE {} SET note = '' WHERE event_id = {}"),
    "altered evidence": _evidence("UPDATE {} SET note = 'x' WHERE event_id = {}"),
    "deleted evidence": _evidence("DELETE FROM {} WHERE event_id = {}"),
    "altered page": _altered_page,
    "missing page": _missing_page,
    "truncated": _truncated,
}
# What an outsider with an old checkpoint cannot know: it was before what was altered.
AFTER_IT = ("inserted opt-in",)


@pytest.mark.parametrize("name", ATTACKS)
def test_what_the_owner_alters_is_named(
    name: str, world: list[Profile], tmp_path: Path
) -> None:
    old = tmp_path / "old"
    call_command("ledger_checkpoint", "--to", str(old))
    assert differences("--checkpoint", str(old)) == []

    done = ATTACKS[name]()

    assert differences() == done
    ledger.seal()
    assert differences("--checkpoint", str(old)) == done


@pytest.mark.parametrize("name", [n for n in ATTACKS if n not in AFTER_IT])
def test_an_old_checkpoint_shows_it_when_all_was_sealed_again(
    name: str, world: list[Profile], tmp_path: Path
) -> None:
    old = tmp_path / "old"
    call_command("ledger_checkpoint", "--to", str(old))
    ATTACKS[name]()
    guards.remove()
    for model in (LedgerLeaf, LedgerNode, LedgerCheckpoint):
        model.objects.all().delete()
    LedgerErasure.objects.update(is_sealed=False)
    LedgerState.objects.update(transaction_id=0, event_id=0, origin="")
    _guarded_again()
    if name == "inserted with numbers":
        execute(f"UPDATE {LedgerState._meta.db_table} SET transaction_id = -1")
    ledger.seal()
    ledger.make_checkpoint()

    assert "checkpoint" in {what for what, _id in differences("--checkpoint", str(old))}


def test_erased_people_break_no_proof(world: list[Profile]) -> None:
    fresh = person(email="new@x.example", out="email")
    gone = [world[1].pk, fresh.pk]
    for pk in gone:
        privacy.erase(Profile.objects.get(pk=pk))
    ledger.seal()
    assert differences() == []
    assert not LedgerSalt.objects.filter(profile_id__in=gone).exists()
    assert set(LedgerErasure.objects.values_list("profile_id", flat=True)) == {*gone}
    privacy.erase(world[2])
    assert differences() == []
    ledger.seal()
    assert differences() == []


def test_a_salt_that_is_gone_without_an_erasure_is_a_difference(
    world: list[Profile],
) -> None:
    pk = _first(profile_id=world[1].pk)
    LedgerSalt.objects.filter(profile_id=world[1].pk).delete()
    assert differences() == [("event", pk)]
    ledger.forget(world[1].pk)
    assert ("erasure", LedgerErasure.objects.get().pk) in differences()


def test_a_request_that_lapsed_lets_go_of_its_evidence(world: list[Profile]) -> None:
    service = subscriptions.create_service("twice", label="Twice", channel="email")
    service.double_opt_in = True
    service.save()
    seen = Origin(source="landing_page", ip="192.0.2.1", wording_version="news/1")
    subscriptions.ask(world[0], service, seen, language="en", proved="email")
    ledger.seal()
    (request,) = ConsentEvent.objects.filter(kind="request")
    assert LedgerLeaf.objects.get(kind=1, source_id=request.pk).evidence
    privacy.clean_up(timezone.now() + timedelta(days=30))
    assert not ConsentEvidence.objects.filter(event=request).exists()
    ledger.seal()
    assert differences() == []


def test_a_checkpoint_kept_elsewhere_says_since_when_it_was_signed(
    world: list[Profile], tmp_path: Path
) -> None:
    """Without those kept here, what was put in with an old date would pass."""
    old = tmp_path / "old"
    call_command("ledger_checkpoint", "--to", str(old))
    past = (timezone.now() - timedelta(days=9)).isoformat(sep=" ")
    as_owner(
        f"DELETE FROM {LedgerCheckpoint._meta.db_table}",
        f"INSERT INTO {EVENTS} ({COLUMNS}, transaction_id, recorded_at)"
        f" SELECT {world[1].pk}, '{past}', 'opt_in', 'sms', 'landing_page', '', false,"
        f" MAX(transaction_id), '{past}' FROM {EVENTS}",
    )
    put_in = ConsentEvent.objects.latest("pk").pk
    ledger.seal()
    ledger.make_checkpoint()
    assert differences() == []
    assert differences("--checkpoint", str(old)) == [("event", put_in)]
