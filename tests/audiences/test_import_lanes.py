"""A chunk is planned while the one before is written, and nobody can tell."""

import random
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from audiences.imports import engine, lanes
from audiences.imports.lanes import Abandoned, PlanAgain, Turn, in_lanes
from audiences.imports.matching import Plan
from audiences.models import Profile, ProfileTag
from tests.audiences.test_import import dump, run
from tests.delivery.test_quarantine_races import in_another_session

SOON = 5


def _chunks(*names: str) -> Iterator[str]:
    yield from names


class _Written:
    """Notes what happens to each chunk; a chunk is the text of its name."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.planned: dict[str, threading.Event] = {}

    def __call__(self, chunk: str, turn: Turn) -> None:
        turn.begin()
        self.told.append(f"plan {chunk}")
        self.planned.setdefault(chunk, threading.Event()).set()
        turn.wait()
        self.told.append(f"write {chunk}")


def test_chunk_is_planned_while_the_one_before_is_written() -> None:
    written = _Written()

    def write(chunk: str, turn: Turn) -> None:
        if chunk == "b":
            written.planned["c"] = written.planned.get("c", threading.Event())
        written(chunk, turn)
        if chunk == "b":
            assert written.planned["c"].wait(SOON)

    in_lanes(_chunks("b", "c"), write, lambda chunk: {chunk})
    assert written.told == ["plan b", "write b", "plan c", "write c"]


def test_chunk_is_written_while_the_one_before_is_written() -> None:
    """And committed after it, whichever is faster."""
    told: list[str] = []
    has_written = threading.Event()

    def write(chunk: str, turn: Turn) -> None:
        turn.begin()
        told.append(f"plan {chunk}")
        turn.planned()
        if chunk == "a":
            assert has_written.wait(SOON)
        told.append(f"write {chunk}")
        has_written.set()
        turn.wait()
        told.append(f"commit {chunk}")
        turn.committed()

    in_lanes(_chunks("a", "b"), write, lambda chunk: {chunk})
    assert told[:2] == ["plan a", "plan b"]
    assert told[2:] == ["write b", "write a", "commit a", "commit b"]


def test_chunk_that_shares_a_name_is_planned_when_the_one_before_is_done() -> None:
    written = _Written()

    def write(chunk: str, turn: Turn) -> None:
        written(chunk, turn)
        written.told.append(f"done {chunk}")

    in_lanes(_chunks("ab", "bc"), write, set)
    assert written.told == [
        *("plan ab", "write ab", "done ab"),
        *("plan bc", "write bc", "done bc"),
    ]


def test_chunk_lets_go_of_its_plan_when_the_one_before_is_planned_anew() -> None:
    """Else each waits for what the other has, where no database sees it."""
    written, has_let_go = _Written(), threading.Event()
    written.planned["b"] = threading.Event()

    def write(chunk: str, turn: Turn) -> None:
        try:
            written(chunk, turn)
        except PlanAgain:
            has_let_go.set()
            raise
        if chunk == "a":
            assert written.planned["b"].wait(SOON)
            turn.begin()
            assert has_let_go.wait(SOON)
            written.told.append("again a")

    in_lanes(_chunks("a", "b", "c"), write, lambda chunk: {chunk})
    told = [line for line in written.told if not line.endswith("c")]
    assert told == ["plan a", "write a", "plan b", "again a", "plan b", "write b"]
    assert written.told[-1] == "write c"


def test_plan_is_not_kept_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunk before may wait for somebody who waits for what this one has locked."""
    monkeypatch.setattr(lanes, "PATIENCE", 0.05)
    let_go, told = threading.Event(), []

    def write(chunk: str, turn: Turn) -> None:
        turn.begin()
        try:
            turn.wait()
        except PlanAgain:
            let_go.set()
            raise
        if chunk == "a":
            assert let_go.wait(SOON)
        told.append(chunk)

    in_lanes(_chunks("a", "b"), write, lambda chunk: {chunk})
    assert told == ["a", "b"]


def test_nothing_is_written_after_a_chunk_that_fails() -> None:
    written = _Written()

    def write(chunk: str, turn: Turn) -> None:
        written(chunk, turn)
        if chunk == "b":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_lanes(_chunks("a", "b", "c", "d"), write, lambda chunk: {chunk})
    assert [line for line in written.told if line[0] == "w"] == ["write a", "write b"]


def test_chunks_before_a_file_that_breaks_off_are_written() -> None:
    def chunks() -> Iterator[str]:
        yield from "ab"
        raise FileNotFoundError

    written = _Written()
    with pytest.raises(FileNotFoundError):
        in_lanes(chunks(), written, lambda chunk: {chunk})
    assert written.told[-1] == "write b"


def test_turn_of_a_chunk_that_failed_is_no_turn() -> None:
    failed = Turn()
    failed.end(is_done=False)
    with pytest.raises(Abandoned):
        Turn(failed).wait()


# ------------------------------------------------------------------ on the database
on_postgresql = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer at a time"
)


def _file(chance: random.Random) -> str:
    """Few people, named in many ways: chunks depend on each other, or nearly do."""
    lines = ["external_id,email,sms,first_name,no_longer_contact_email"]
    for _row in range(60):
        who = f"C{chance.randrange(25)}" if chance.random() < 0.6 else ""
        mail = f"m{chance.randrange(25)}@x.example" if chance.random() < 0.8 else ""
        out = chance.choice(["", "", "1", "0", "?"])
        lines.append(f"{who},{mail},,N{chance.randrange(5)},{out}")
    return "\n".join(lines)


def _facts() -> list[Any]:
    """All that was written, without moments and numbers that are drawn.

    What is about one person is in its order; that of different people tells nothing.
    """
    profiles, addresses, events = dump()
    names = {row["id"]: place for place, row in enumerate(profiles)}
    return [
        sorted(
            (
                {
                    name: names.get(value) if name == "profile_id" else value
                    for name, value in row.items()
                    if not name.endswith(("_at", "transaction_id"))
                    and name not in DRAWN
                }
                for row in rows
            ),
            key=lambda row: row.get("profile_id") or 0,
        )
        for rows in (profiles, addresses, events)
    ]


DRAWN = ("id", "at")


@on_postgresql
@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("seed", [1, 2])
def test_lanes_write_what_one_chunk_writes(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CHUNK_SIZE", 4)

    def done() -> list[Any]:
        counts = run(tmp_path, _file(random.Random(seed)))
        rejects = (tmp_path / "people.csv.rejects.csv").read_text()
        # Ids are drawn anew.
        return [counts, re.sub("have it: [new0-9, ]+", "", rejects), *_facts()]

    with transaction.atomic():  # in a transaction there is one lane
        alone = done()
        transaction.set_rollback(True)
    assert done() == alone


@on_postgresql
@pytest.mark.usefixtures("transactional_db")
def test_what_two_chunks_may_both_write_is_written_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag that both make: the later chunk would hold it, and wait for the earlier."""
    monkeypatch.setattr(engine, "CHUNK_SIZE", 2)
    waiting, begun = threading.Event(), list[Turn]()
    wait, begin, write = Turn.wait, Turn.begin, Plan.write_profiles

    def begins(turn: Turn) -> None:
        begun.append(turn)
        begin(turn)

    def waits(turn: Turn) -> None:
        if len(begun) > 2:
            waiting.set()
        wait(turn)

    def writes(plan: Plan) -> None:
        if plan.created[0].profile.external_id == "C2":  # is slower than the next one
            assert waiting.wait(SOON)
        write(plan)

    monkeypatch.setattr(Turn, "begin", begins)
    monkeypatch.setattr(Turn, "wait", waits)
    monkeypatch.setattr(Plan, "write_profiles", writes)
    rows = "".join(f"C{n},c{n}@x.example,{'' if n < 2 else 'new'}\n" for n in range(6))
    counts = run(tmp_path, f"external_id,email,tags\n{rows}")
    assert counts["created"] == 6
    assert len(begun) == len(set(begun)) == 3
    assert ProfileTag.objects.filter(tag__name="new").count() == 4


@on_postgresql
@pytest.mark.usefixtures("transactional_db")
def test_counts_are_those_of_all_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next chunk counts on from what was committed, at once."""
    monkeypatch.setattr(engine, "CHUNK_SIZE", 3)
    rows = "".join(f"C{n},c{n}@x.example\n" for n in range(90))
    assert run(tmp_path, f"external_id,email\n{rows}")["created"] == 90


@on_postgresql
@pytest.mark.usefixtures("transactional_db")
def test_person_whom_somebody_else_makes_meanwhile_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chunk that wanted to make them is planned anew, and the next one too."""
    monkeypatch.setattr(engine, "CHUNK_SIZE", 2)
    rows = "".join(f"C{n},c{n}@x.example\n" for n in range(10))
    made: list[int] = []
    planned = Turn.planned

    def meanwhile(turn: Turn) -> None:
        planned(turn)
        if not made and threading.current_thread() is not threading.main_thread():
            made.append(1)
            in_another_session(lambda: Profile.objects.create(external_id="C3"))

    monkeypatch.setattr(Turn, "planned", meanwhile)
    counts = run(tmp_path, f"external_id,email\n{rows}")
    assert (counts["created"], counts["updated"]) == (9, 1)
    assert Profile.objects.count() == 10
