"""Writers of the quarantine at the same moment, in fixed orders and at random."""

import io
import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from audiences import addresses, sql
from audiences.files import open_file
from audiences.imports.engine import Import
from audiences.imports.people import PeopleImporter
from audiences.imports.people_options import Options
from audiences.models import Address, Profile
from audiences.privacy.erasure import erase
from audiences.sql.retries import retried
from delivery import quarantine
from delivery.models import QuarantineAction, QuarantineEntry
from delivery.quarantine.files import QuarantineImporter
from delivery.quarantine.verification import verify_quarantine
from tests.delivery.sessions import wait_until_blocked

pytestmark = [
    pytest.mark.usefixtures("transactional_db"),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="SQLite has one writer at a time"
    ),
]
ANN = "ann@x.example"
HOUR = timedelta(hours=1)


@contextmanager
def another_session(act: Callable[[], Any]) -> Iterator[Future[Any]]:
    """An act in a session of its own, which ends when the block has ended."""

    def run() -> Any:
        try:
            sql.execute("SET lock_timeout = '120s'")
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        yield future
        future.result(timeout=30)


def in_another_session(act: Callable[[], Any]) -> Any:
    with another_session(act) as future:
        return future.result(timeout=30)


@contextmanager
def begun() -> Iterator[ExitStack]:
    """A transaction of ours; closing it commits, at the end of the block at least."""
    with ExitStack() as ours:
        ours.enter_context(transaction.atomic())
        yield ours


def person(*emails: str) -> Profile:
    profile = Profile.objects.create()
    for email in emails:
        addresses.attach(profile, "email", email)
    return profile


def record(email: str = ANN, **facts: Any) -> None:
    facts = {"type": "hard", "source": "test", **facts}
    quarantine.record("email", email, **facts)


def copy_of(email: str = ANN) -> str:
    return Address.objects.get(key=email).quarantine_status


def agree() -> bool:
    return [str(difference) for difference in verify_quarantine()] == []


# ------------------------------------------------------------------ copies
CHANGES: dict[str, tuple[Callable[[], Any], Callable[[], Any], str]] = {
    "valid to erroneous": (lambda: None, lambda: record(type="soft"), "erroneous"),
    "valid to quarantine": (lambda: None, record, "quarantine"),
    "erroneous to quarantine": (lambda: record(type="soft"), record, "quarantine"),
    "erroneous to denylisted": (
        lambda: record(type="soft"),
        lambda: record(reason="complaint"),
        "denylisted",
    ),
    "quarantine to denylisted": (
        record,
        lambda: record(reason="stop"),
        "denylisted",
    ),
    "quarantine to valid": (
        record,
        lambda: quarantine.set_status("email", ANN, "valid", source="test"),
        "valid",
    ),
    "denylisted to nothing": (
        lambda: record(reason="stop"),
        lambda: quarantine.delete(QuarantineEntry.objects.get(), source="test"),
        "valid",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("first", ["attach", "change"])
def test_an_address_attached_while_its_entry_changes_says_what_the_entry_says(
    name: str, first: str
) -> None:
    before, change, status = CHANGES[name]
    before()
    profile = Profile.objects.create()
    acts = {
        "attach": lambda: addresses.attach(profile, "email", ANN),
        "change": change,
    }
    [other] = acts.keys() - {first}
    with transaction.atomic():
        acts[first]()
        # Neither sees what the other has not committed.
        in_another_session(acts[other])
    assert copy_of() == status
    assert agree()


def test_a_second_look_that_waited_does_not_write_what_it_saw_before() -> None:
    record(type="soft")
    person(ANN)
    Address.objects.update(quarantine_status="valid")
    mend = lambda: call_command(  # noqa: E731
        "verify_quarantine", "--mend", stdout=io.StringIO(), stderr=io.StringIO()
    )
    with begun() as ours:
        record(reason="complaint")
        with another_session(mend):
            wait_until_blocked()
            ours.close()
    assert copy_of() == "denylisted"
    assert agree()


# ------------------------------------------------------------------ one order
def import_people(path: Path, text: str) -> None:
    path.write_text(text)
    file = open_file(path)
    Import(file=file, importer=PeopleImporter(file, Options())).run()


def import_list(path: Path, keys: list[str], status: str = "quarantine") -> None:
    rows = "".join(f"email,{key},{status}\n" for key in keys)
    path.write_text(f"channel,address,status\n{rows}")
    file = open_file(path)
    Import(file=file, importer=QuarantineImporter(file, source="test")).run()


KEYS = [f"{letter}@x.example" for letter in "edcba"]
WRITERS: dict[str, Callable[[Path, Profile], Any]] = {
    "a list": lambda path, _profile: import_list(path, KEYS),
    "an import of people": lambda path, profile: import_people(
        path,
        "external_id,email,email_2,email_3,email_4,email_5\n"
        f"ann,{','.join(key.upper() for key in reversed(KEYS))}\n",
    ),
    "an erasure": lambda _path, profile: erase(profile),
    "a bulk release": lambda _path, _profile: quarantine.release_matching(
        "outage", timezone.now() - HOUR, timezone.now(), source="test"
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_who_waits_for_one_address_holds_none_of_a_higher_id(
    name: str, tmp_path: Path
) -> None:
    profile = person(*KEYS)
    Profile.objects.update(external_id="ann")
    for key in KEYS:
        record(key, text="outage")
    if name == "a list":
        QuarantineEntry.objects.all().delete()
    ids = list(Address.objects.order_by("pk").values_list("pk", flat=True))
    # In the table the first address now lies behind the others.
    Address.objects.filter(pk=ids[0]).update(value=KEYS[0])
    with begun() as ours:
        addresses.lock(Address.objects.filter(pk=ids[0]))
        with another_session(lambda: WRITERS[name](tmp_path / "f.csv", profile)):
            wait_until_blocked()
            rest = Address.objects.filter(pk__in=ids[1:]).select_for_update(nowait=True)
            assert rest.count() == len(rest) == 4
            ours.close()
    assert agree()


@pytest.mark.parametrize("name", ["a list", "a bulk release"])
def test_who_waits_for_one_entry_holds_none_of_a_later_name(
    name: str, tmp_path: Path
) -> None:
    profile = person()
    for key in KEYS:
        record(key, text="outage")
    first = QuarantineEntry.objects.filter(key=min(KEYS))
    with begun() as ours:
        assert first.select_for_update().get()
        with another_session(lambda: WRITERS[name](tmp_path / "f.csv", profile)):
            wait_until_blocked()
            rest = QuarantineEntry.objects.exclude(key=min(KEYS))
            assert len(rest.select_for_update(nowait=True)) == 4
            ours.close()


def test_new_and_old_entries_are_taken_in_one_order(tmp_path: Path) -> None:
    record("b@x.example")
    with begun() as ours:
        assert QuarantineEntry.objects.select_for_update().get()
        act = lambda: import_list(tmp_path / "f.csv", KEYS)  # noqa: E731
        with another_session(act):
            wait_until_blocked()
            # It has made the first, waits for the second, and has not made the third.
            with transaction.atomic():
                sql.execute("SET LOCAL lock_timeout = '30s'")
                record("c@x.example")
            ours.close()
    assert QuarantineEntry.objects.count() == 5
    assert agree()


# ------------------------------------------------------------------ victims
def test_a_victim_of_a_deadlock_tries_again() -> None:
    person("a@x.example", "b@x.example")
    one, other = Address.objects.order_by("pk")
    attempts: list[int] = []

    def lock(address: Address) -> None:
        assert Address.objects.select_for_update().get(pk=address.pk)

    @retried
    def write() -> None:
        attempts.append(1)
        sql.execute("SET LOCAL deadlock_timeout = '3s'")
        lock(other)
        lock(one)
        Address.objects.filter(pk=one.pk).update(value="written")

    with begun() as ours:
        sql.execute("SET LOCAL deadlock_timeout = '2min'")
        lock(one)
        with another_session(write):
            wait_until_blocked()
            lock(other)  # the other one notices, and gives way
            ours.close()
    one.refresh_from_db()
    assert (one.value, len(attempts)) == ("written", 2)


def test_inside_a_transaction_the_whole_of_it_would_have_to_run_again() -> None:
    attempts: list[int] = []

    @retried
    def fails() -> None:
        attempts.append(1)
        sql.execute("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    with pytest.raises(OperationalError), transaction.atomic():
        fails()
    assert len(attempts) == 1
    with pytest.raises(OperationalError):
        fails()
    assert len(attempts) > 3


def test_any_other_error_is_not_tried_again() -> None:
    attempts: list[int] = []

    @retried
    def fails() -> None:
        attempts.append(1)
        sql.execute("SELECT 1/0")

    with pytest.raises(DatabaseError):
        fails()
    assert len(attempts) == 1


# ------------------------------------------------------------------ what was known
def complain_late() -> None:
    record(reason="complaint", at=timezone.now() - HOUR)


def release() -> None:
    quarantine.set_status("email", ANN, "valid", source="test")


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [(complain_late, release, "valid"), (release, complain_late, "denylisted")],
)
def test_a_decision_knows_what_was_committed_before_it(
    first: Callable[[], None], second: Callable[[], None], status: str
) -> None:
    record()
    person(ANN)
    with begun() as ours:
        first()
        with another_session(second):
            wait_until_blocked()
            ours.close()
    assert copy_of() == status
    assert agree()


# ------------------------------------------------------------------ at random
def test_lists_imports_errors_and_releases_at_random_never_fail(
    tmp_path: Path,
) -> None:
    keys = [f"p{number:02}@x.example" for number in range(40)]
    for number, key in enumerate(keys):
        addresses.attach(Profile.objects.create(external_id=f"{number}"), "email", key)

    def people(chance: random.Random, path: Path) -> None:
        rows = [
            f"{chance.randrange(40)},{chance.choice(keys).upper()}" for _ in range(30)
        ]
        import_people(path, "external_id,email\n" + "\n".join(rows))

    def some(chance: random.Random, path: Path) -> None:
        status = chance.choice(["erroneous", "quarantine", "denylisted"])
        import_list(path, chance.sample(keys, 25), status)

    def outage(chance: random.Random, path: Path) -> None:
        now = timezone.now()
        quarantine.release_matching("outage", now - HOUR, now, source="test")

    def error(chance: random.Random, path: Path) -> None:
        kinds = ["soft", "hard"]
        record(chance.choice(keys), type=chance.choice(kinds), text="outage")

    def decide(chance: random.Random, path: Path) -> None:
        status = chance.choice(["valid", "quarantine"])
        quarantine.set_status("email", chance.choice(keys), status, source="test")

    def work(seed: int) -> None:
        chance = random.Random(seed)
        acts = [people] if seed == 0 else [some, some, outage, error, error, decide]
        try:
            for _ in range(12):
                chance.choice(acts)(chance, tmp_path / f"{seed}.csv")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert agree()
    assert QuarantineAction.objects.exists()
