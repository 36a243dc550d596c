"""Chunks of any file are all or nothing, counted, previewed and gone on with."""

from pathlib import Path
from typing import Any

import pytest

from audiences.files import BadCell, open_file
from audiences.imports import engine, runs
from audiences.imports.engine import Chunk, Import, Importer
from audiences.imports.kinds import Kind, kinds
from audiences.models import Profile
from audiences.refusals import Refused
from audiences.registry import RegisteredTwice

pytestmark = pytest.mark.django_db


class Names(Importer[tuple[int, str]]):
    """A file with one external id a row; those that begin with x are refused."""

    counted = ("created", "rejected")
    changing = ("created",)
    tables = (Profile,)
    lock = "import-names"
    closed = False

    def read(self, line: int, cells: list[str]) -> tuple[int, str]:
        if cells[0] == "unreadable":
            raise BadCell("name", "it is unreadable")
        return line, cells[0]

    def write(self, rows: list[tuple[int, str]], chunk: Chunk) -> None:
        for line, name in rows:
            if name == "boom":
                raise ZeroDivisionError
            if name == "unwelcome":
                chunk.reject(line, BadCell("name", "it is unwelcome"))
                continue
            Profile.objects.create(external_id=name)
            chunk.counts["created"] += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CHUNK_SIZE", 3)


def _import(folder: Path, *names: str, **how: Any) -> Import[Any]:
    path = folder / "names.csv"
    path.write_text("\n".join(["name", *names]) + "\n")
    return Import(file=open_file(path), importer=Names(), **how)


def _made() -> set[str | None]:
    return set(Profile.objects.values_list("external_id", flat=True))


def test_rejects_of_reading_and_of_writing_come_in_the_order_of_their_lines(
    tmp_path: Path,
) -> None:
    told: list[tuple[int, list[int], dict[str, int]]] = []
    run = _import(
        tmp_path,
        *("a", "unwelcome", "unreadable", "unreadable", "b", "unwelcome", "c"),
        on_chunk=lambda chunk, counts: told.append(
            (chunk.line, [reject.line for reject in chunk.rejects], dict(counts))
        ),
    )
    assert run.run() == {"created": 3, "rejected": 4}
    assert told == [
        (4, [3, 4], {"created": 1, "rejected": 2}),
        (7, [5, 7], {"created": 2, "rejected": 4}),
        (8, [], {"created": 3, "rejected": 4}),
    ]
    assert run.importer.closed


def test_chunk_that_fails_leaves_those_before_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        _import(tmp_path, *"abc", "d", "boom").run()
    assert _made() == set("abc")


def test_chunk_is_taken_back_when_nobody_can_note_it(tmp_path: Path) -> None:
    def refuse(chunk: Chunk, counts: dict[str, int]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _import(tmp_path, *"abc", on_chunk=refuse).run()
    assert not _made()


def test_dry_run_and_preview_count_and_change_nothing(tmp_path: Path) -> None:
    assert _import(tmp_path, *"abcde").run(dry_run=True)["created"] == 5
    assert _import(tmp_path, *"abcde", preview=True).run()["created"] == 5
    assert not _made()


def test_interrupted_import_goes_on_after_its_line(tmp_path: Path) -> None:
    assert _import(tmp_path, *"abcde", after_line=4).run()["created"] == 2
    assert _made() == {"d", "e"}


def test_many_changes_get_fresh_statistics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[type, ...]] = []
    monkeypatch.setattr(engine, "MANY", 2)
    monkeypatch.setattr(engine.sql, "analyze", lambda *tables: asked.append(tables))
    _import(tmp_path, "a", "b").run()
    assert asked == []
    _import(tmp_path, "c", "d", "e").run()
    assert asked == [(Profile,)]


def test_kind_of_import_is_registered_once() -> None:
    assert list(kinds) == ["people", "subscriptions", "list", "quarantine"]
    with pytest.raises(RegisteredTwice):
        kinds.add("people", Kind(label="", importer=Names, permissions=()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"email;na\x00me\na@x.example;x\n",
        b"e\xc3\xa9;who\n\x00\x00;\x00a\n",
    ],
)
def test_a_file_with_nul_is_refused_or_asked_about(content: bytes) -> None:
    try:
        run = runs.upload("people.csv", [content], actor="eva", kind="people")
    except Refused:
        return
    run.refresh_from_db()
    assert run.state == run.State.MAPPING
    assert "\0" not in str(run.preview)
