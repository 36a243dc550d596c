"""A question about many is asked in two halves at once, and answers what one would."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from audiences import consent
from audiences.models import Profile
from audiences.sql import execute, fetch, halves
from audiences.sql.halves import FEWEST, in_halves
from tests.people import ORIGIN

from .conftest import Program

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite has one connection"
    ),
]
MANY = range(FEWEST)


@pytest.fixture(autouse=True)
def _nobody_left() -> Iterator[None]:
    yield
    halves.close()


def _backends(values: Sequence[int]) -> dict[int, int]:
    """Which process of the server answers about each."""
    ((pid,),) = fetch("SELECT pg_backend_pid()")
    return dict.fromkeys(values, pid)


def _own() -> int:
    return _backends([0])[0]


def test_each_half_has_a_connection() -> None:
    found = in_halves(_backends, MANY)
    assert [*found] == [*MANY]
    first, second = found[0], found[FEWEST - 1]
    assert (first, second != first) == (_own(), True)
    assert in_halves(_backends, MANY)[FEWEST - 1] == second, "it is kept"


def test_few_are_asked_at_once() -> None:
    assert {*in_halves(_backends, range(FEWEST - 1)).values()} == {_own()}
    assert in_halves(_backends, []) == {}


def test_what_a_transaction_has_written_is_seen() -> None:
    def known(values: Sequence[int]) -> dict[int, bool]:
        there = {*Profile.objects.values_list("pk", flat=True)}
        return {pk: pk in there for pk in values}

    with transaction.atomic():
        Profile.objects.bulk_create(Profile(pk=1 + n) for n in MANY)
        assert all(in_halves(known, [1 + n for n in MANY]).values())
        transaction.set_rollback(True)
    assert not any(in_halves(known, [1 + n for n in MANY]).values())


@pytest.mark.parametrize("bad", [0, FEWEST - 1])
def test_an_error_of_either_half_is_raised_and_nothing_is_left_behind(bad: int) -> None:
    def ask(values: Sequence[int]) -> dict[int, int]:
        if bad in values:
            raise LookupError(bad)
        return _backends(values)

    def wrong(values: Sequence[int]) -> dict[int, int]:
        fetch("SELECT 1 / 0") if bad in values else None
        return _backends(values)

    with pytest.raises(LookupError):
        in_halves(ask, MANY)
    with pytest.raises(DatabaseError):
        in_halves(wrong, MANY)
    assert len({*in_halves(_backends, MANY).values()}) == 2


def test_a_connection_that_is_gone_is_opened_again() -> None:
    gone = in_halves(_backends, MANY)[FEWEST - 1]
    execute("SELECT pg_terminate_backend(%s, 5000)", [gone])
    after = in_halves(_backends, MANY)[FEWEST - 1]
    assert after not in (gone, _own())


def test_where_no_connection_is_kept_the_second_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    there = in_halves(_backends, MANY)[FEWEST - 1]
    assert there != _own()
    for _attempt in range(600):
        if not fetch("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [there]):
            break
        time.sleep(0.1)
    else:
        pytest.fail("it is still there")


def test_a_half_whose_connection_ends_is_asked_on_the_other() -> None:
    mine = _own()

    def ask(values: Sequence[int]) -> dict[int, int]:
        if (pid := _own()) != mine:
            fetch("SELECT pg_terminate_backend(%s)", [pid])
            fetch("SELECT 1")
        return _backends(values)

    found = in_halves(ask, MANY)
    assert (len(found), {*found.values()}) == (FEWEST, {mine})
    assert len({*in_halves(_backends, MANY).values()}) == 2


def test_a_half_that_took_too_long_is_not_asked_again() -> None:
    asked = []

    def ask(values: Sequence[int]) -> dict[int, int]:
        asked.append(values[0])
        if values[0]:
            execute("SET LOCAL statement_timeout = '50ms'")
            fetch("SELECT pg_sleep(20)")
        return _backends(values)

    with pytest.raises(OperationalError, match="timeout"):
        in_halves(ask, MANY)
    assert sorted(asked) == [0, FEWEST // 2]
    assert len({*in_halves(_backends, MANY).values()}) == 2


def test_a_process_that_may_begin_no_thread_asks_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_given: Any) -> None:
        raise RuntimeError("cannot schedule new futures after shutdown")

    with monkeypatch.context() as patch:
        patch.setattr(halves._second, "submit", refuse)
        assert {*in_halves(_backends, MANY).values()} == {_own()}
    assert len({*in_halves(_backends, MANY).values()}) == 2


def test_a_forked_process_has_a_second_connection_of_its_own() -> None:
    parents = {*in_halves(_backends, MANY).values()}
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # The connection of the parent is not this one's to end.
        _parents, connection.connection = connection.connection, None
        try:
            signal.alarm(120)
            found = {*in_halves(_backends, MANY).values()}
            os.write(writing, f"{len(found)} {len(found & parents)}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    said = os.read(reading, 100).decode()
    os.close(reading)
    assert os.waitpid(child, 0)[1] == 0
    assert said == "2 0"


def _in_threads(count: int, work: Callable[[], Any]) -> list[Any]:
    found: list[Any] = []
    ready = threading.Barrier(count)

    def run() -> None:
        try:
            ready.wait()
            found.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_many_who_ask_at_once_one_has_the_second_connection() -> None:
    def ask(values: Sequence[int]) -> dict[int, int]:
        fetch("SELECT pg_sleep(0.02)")
        return _backends(values)

    found = _in_threads(6, lambda: in_halves(ask, MANY))
    assert all([*answers] == [*MANY] for answers in found)
    assert len(found) == 6
    assert len({pid for answers in found for pid in answers.values()}) <= 7


def test_contactable_says_of_each_what_it_says_of_one(shop: Program) -> None:
    people = Profile.objects.bulk_create(
        Profile(external_id=f"c{n}") for n in range(FEWEST + 50)
    )
    for person in people[::7]:
        consent.opt_out(person, "any", ORIGIN)
    named: list[str | int] = [f"ext:c{n}" for n in range(len(people))]
    named += ["ext:nobody", people[0].pk, "ext:c1"]
    question = {"channel": "phone"}
    many = shop.post("contactable", {**question, "profiles": named}).data["items"]
    assert [item["profile"] for item in many] == named
    for item in (many[0], many[1], many[-3], many[-2], many[245]):
        one = shop.post("contactable", {**question, "profiles": [item["profile"]]})
        assert one.data["items"] == [item]
    out = [item["profile"] for item in many if "denylist_any_channel" in item["causes"]]
    assert len(out) == len(people[::7]) + 1
