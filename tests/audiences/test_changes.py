"""Rows say which transaction wrote them, whoever wrote them, and by whatever way."""

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Model

from audiences import addresses, changes, consent, privacy
from audiences.changes import Seen
from audiences.consent import guards
from audiences.models import Address, ConsentEvent, Departure, Profile
from audiences.sql import Locked, execute
from audiences.sql.shared_locks import alone
from tests.delivery.sessions import open_transaction
from tests.factories import BY_COMMAND, ProfileFactory

pytestmark = pytest.mark.usefixtures("transactional_db")
ON_PG = connection.vendor == "postgresql"
only_postgresql = pytest.mark.skipif(not ON_PG, reason="SQLite has one writer")


def since(seen: Seen, model: type[Model]) -> list[int]:
    rows = model._default_manager.filter(seen.until(changes.now()))
    return sorted(rows.values_list("profile_id", flat=True))


def test_what_was_written_since_a_moment_is_found_and_nothing_else() -> None:
    early, late = ProfileFactory(email="a@x.example"), ProfileFactory()
    consent.opt_out(early, "email", BY_COMMAND)
    seen = changes.now()
    assert since(seen, ConsentEvent) == since(seen, Address) == []
    consent.opt_out(late, "email", BY_COMMAND)
    addresses.attach(late, "email", "b@x.example")
    assert since(seen, ConsentEvent) == since(seen, Address) == [late.pk]
    assert since(changes.now(), ConsentEvent) == []


@pytest.mark.parametrize(
    "column", ["value = 'x'", "quarantine_status = 'quarantine'", "is_valid = false"]
)
def test_plain_sql_that_changes_an_address_is_seen(column: str) -> None:
    profile = ProfileFactory(email="a@x.example")
    ProfileFactory(email="b@x.example")
    seen = changes.now()
    execute(f"UPDATE audiences_address SET {column} WHERE profile_id = {profile.pk}")
    assert since(seen, Address) == [profile.pk]


def test_a_number_that_a_writer_gives_itself_does_not_stay() -> None:
    profile = ProfileFactory(email="a@x.example")
    seen = changes.now()
    Address.objects.update(transaction_id=1)
    assert since(seen, Address) == [profile.pk]


def test_somebody_who_loses_an_address_or_goes_has_departed() -> None:
    first, second, third = (ProfileFactory(email=f"{n}@x.example") for n in range(3))
    ProfileFactory(email="stays@x.example")
    without = ProfileFactory()
    seen = changes.now()
    addresses.detach(first.addresses.get())
    privacy.erase(second)
    privacy.erase(without)
    Address.objects.filter(profile=third).update(profile=first)
    gone = {first.pk, second.pk, third.pk, without.pk}
    assert {*since(seen, Departure)} == gone
    assert "x.example" not in str(list(Departure.objects.values_list()))


def test_departures_are_forgotten_after_some_days() -> None:
    Departure.objects.create(profile_id=1, transaction_id=1)
    changes.forget_departures()
    assert Departure.objects.count() == 1
    Departure.objects.update(at="2026-01-01T00:00Z")
    changes.forget_departures()
    assert not Departure.objects.exists()


def test_a_moment_is_read_as_it_was_written() -> None:
    for seen in (Seen(3, 3), Seen(3, 9, (3, 7)), changes.now()):
        assert Seen.of(str(seen)) == seen


def test_numbers_of_another_server_are_old() -> None:
    """As after the restore of a backup: they lie ahead of the clock."""
    profile = ProfileFactory(email="a@x.example")
    seen = changes.now()
    guards.remove()
    Address.objects.update(transaction_id=10**15)
    guards.install()
    assert since(seen, Address) == []
    addresses.attach(profile, "email", "b@x.example", primary=True)
    assert since(seen, Address) == [profile.pk, profile.pk]


def test_a_missing_trigger_is_found_and_put_back() -> None:
    name = "audiences_address_stamped" + ("" if ON_PG else "_update")
    execute(f"DROP TRIGGER {name}" + (" ON audiences_address" if ON_PG else ""))
    assert guards.missing() == [name]
    call_command("migrate", verbosity=0)
    assert guards.missing() == []


@only_postgresql
def test_a_transaction_that_ends_late_is_new_though_its_ids_are_old() -> None:
    slow, quick = ProfileFactory(), ProfileFactory()
    writer = open_transaction(lambda: consent.opt_out(slow, "email", BY_COMMAND))
    consent.opt_out(quick, "email", BY_COMMAND)
    seen = changes.now()
    assert since(seen, ConsentEvent) == []
    writer.finish()
    assert since(seen, ConsentEvent) == [slow.pk]
    assert ConsentEvent.objects.earliest("pk").profile_id == slow.pk


@only_postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audiences_address SET value = value",
        "DELETE FROM audiences_address WHERE false",
        "DELETE FROM audiences_profile WHERE false",
        "INSERT INTO audiences_consentevent (profile_id, at, kind, channel, source)"
        " VALUES (1, now(), 'opt_out', 'sms', 'operator')",
    ],
)
def test_nobody_is_alone_while_plain_sql_has_written(statement: str) -> None:
    writer = open_transaction(lambda: execute(statement))
    with pytest.raises(Locked), alone(changes.LOCK):
        pass
    writer.finish()
    with alone(changes.LOCK):
        assert Profile.objects.count() == 0


@only_postgresql
def test_what_is_set_for_a_moment_alone_ends_with_it() -> None:
    def settings() -> list[str]:
        names = ("lock_timeout", "statement_timeout", "synchronous_commit")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT " + ", ".join(f"current_setting('{n}')" for n in names)
            )
            return list(cursor.fetchone())

    before = settings()
    with transaction.atomic():
        with alone(changes.LOCK):
            assert settings() != before
        assert settings() == before
    assert settings() == before
