"""Sheets are read as if they were text, whatever program has made the workbook."""

import contextlib
import io
import json
import random
import zipfile
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audiences.files import open_file, read_lines
from audiences.files.extents import extents
from audiences.files.table import UnreadableFile
from audiences.models import Profile
from delivery import deliveries
from tests.spreadsheets import FORMATS, Book, Cell, Error, merged, ods, xlsx

PEOPLE: list[list[Cell]] = [
    ["external_id", "voornaam", "email", "geen_contact_email", "mobiel"],
    [1001, "Zoë 李", "zoe@x.example", True, None],
    [None, None, None, None, None],
    ["C2", "Renée & Co", "renee@x.example", False, "0612345678"],
]
BOOK: Book = {
    "Blad1": PEOPLE,
    "Lijst é": [["zoe@x.example"], [None], ["ext:C2"]],
    "Getallen": [
        ["a", "b", "c", "d"],
        [1.5, 1234567890, date(2026, 5, 1), False],
        [-0.25, 12345678901234567890.0, "=1+1", "  x "],
    ],
}


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("kind", FORMATS)
def test_a_workbook_may_have_the_ending_of_another(
    tmp_path: Path, kind: str, ending: str
) -> None:
    path = tmp_path / f"klanten.{ending}"
    path.write_bytes(FORMATS[kind]({"A": [["email"], ["a@x.example"]]}))
    assert [r.cells for r in open_file(path).records()] == [["a@x.example"]]


@pytest.fixture(params=FORMATS)
def workbook(request: Any, tmp_path: Path) -> Path:
    """With the wrong name: what a file is, its bytes say."""
    path = tmp_path / "klanten.csv"
    path.write_bytes(FORMATS[request.param](BOOK))
    return path


def test_a_sheet_is_read_as_its_text_would_be(workbook: Path) -> None:
    file = open_file(workbook)
    assert file.header == PEOPLE[0]
    assert [(r.line, r.cells) for r in file.records()] == [
        (2, ["1001", "Zoë 李", "zoe@x.example", "1", ""]),
        (4, ["C2", "Renée & Co", "renee@x.example", "0", "0612345678"]),
    ]
    numbers = open_file(workbook, sheet="Getallen")
    assert [r.cells for r in numbers.records()] == [
        ["1.5", "1234567890", "2026-05-01", "0"],
        ["-0.25", "1.23456789012346e+19", "=1+1", "x"],
    ]
    assert read_lines(workbook, sheet="Lijst é") == ["zoe@x.example", "", "ext:C2"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"sheet": "Blad9"}, r"no sheet 'Blad9'. It has: 'Blad1', 'Lijst é'"),
        ({"encoding": "cp1252"}, "spreadsheet: it has no encoding"),
    ],
)
def test_what_a_workbook_has_not_is_said(
    workbook: Path, how: dict[str, str], said: str
) -> None:
    with pytest.raises(UnreadableFile, match=said):
        open_file(workbook, **how)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_workbook_that_is_cut_off_or_empty_is_refused(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"file.{kind}"
    whole = FORMATS[kind](BOOK)
    for size in (len(whole) // 2, 600, 100):
        path.write_bytes(whole[:size])
        with pytest.raises(UnreadableFile):
            open_file(path)
    path.write_bytes(FORMATS[kind]({"Leeg": [[None]]}))
    with pytest.raises(UnreadableFile, match="'Leeg' is empty"):
        open_file(path)


def rewritten(path: Path, data: bytes, old: str, new: str) -> Path:
    """A workbook with another text in its parts."""
    with (
        zipfile.ZipFile(io.BytesIO(data)) as before,
        zipfile.ZipFile(path, "w") as after,
    ):
        for name in before.namelist():
            after.writestr(name, before.read(name).decode().replace(old, new))
    return path


@pytest.mark.parametrize(
    "place",
    [
        'r="XFD1048576"',
        'r = "XFD1048576"',
        'r="xfd01048576"',
        'r="XFD104857&#54;"',
        f'q="{"x" * 500}>" r="XFD1048576"',
    ],
)
def test_a_cell_far_away_from_the_others_does_not_fill_the_memory(
    tmp_path: Path, place: str
) -> None:
    book = xlsx({"A": [["email"], ["a@x.example"]]})
    path = rewritten(tmp_path / "file", book, 'r="A2"', place)
    with pytest.raises(UnreadableFile, match="1048576 rows and 16384 columns"):
        open_file(path)


def test_a_sheet_that_hides_is_looked_at_too(tmp_path: Path) -> None:
    far = xlsx({"A": [["email"], ["a@x.example"]]})
    path = rewritten(tmp_path / "file", far, 'r="A2"', 'r="XFD1048576"')
    path = rewritten(path, path.read_bytes(), "relationships/worksheet", "x/other")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("content.xml", "<content/>")
    with pytest.raises(UnreadableFile, match="1048576 rows and 16384 columns"):
        open_file(path)


def test_a_cell_without_a_place_is_in_its_row(tmp_path: Path) -> None:
    book = xlsx({"A": [["email"], ["a@x.example"]]})
    path = rewritten(tmp_path / "file", book, '<c r="A2"', "<c")
    assert [*extents(path)] == [(2, 1)]
    path = rewritten(path, path.read_bytes(), '<row r="2"', '<row r="60000000"')
    with pytest.raises(UnreadableFile, match="60000000 rows and 1 columns"):
        open_file(path)


@pytest.mark.parametrize(
    ("cell", "row", "said"),
    [
        ("", "9999999", "repeats one cell more than 5000000 times"),
        ("2000", "3000", "repeats one cell more than 5000000 times"),
        ("2000", "1", None),
        ("", "20000", None),
    ],
)
def test_cells_that_are_repeated_do_not_fill_the_memory(
    tmp_path: Path, cell: str, row: str, said: str | None
) -> None:
    text = "<table:table-cell "
    if cell:
        text += f'table:number-columns-repeated="{cell}" '
    book = ods({"A": [["email"], ["a@x.example"]]})
    path = rewritten(tmp_path / "file", book, "<table:table-cell ", text)
    again = f'<table:table-row table:number-rows-repeated="{row}">'
    path = rewritten(path, path.read_bytes(), "<table:table-row>", again)
    if said is None:
        assert max(extents(path)) == (2 * int(row), int(cell or 1))
        return
    with pytest.raises(UnreadableFile, match=said):
        open_file(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_workbook_with_broken_bytes_is_read_or_refused(
    tmp_path: Path, kind: str, capfd: Any
) -> None:
    chance = random.Random(5)
    path = tmp_path / "file"
    whole = FORMATS[kind](
        {"A": [["id", "email"], [1, Error("#N/A")], ["2", Error("")]]}
    )
    for _attempt in range(150):
        data = bytearray(whole)
        for _change in range(chance.choice([1, 3, 10])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        with contextlib.suppress(UnreadableFile):
            list(open_file(path).records())


@pytest.mark.django_db
def test_a_workbook_is_imported_and_is_a_list_of_people(
    workbook: Path, settings: Any
) -> None:
    settings.PHONE_REGION = "NL"
    out = StringIO()
    call_command("import_profiles", str(workbook), "--json", stdout=out)
    counts = json.loads(out.getvalue())
    assert (counts["created"], counts["rejected"]) == (2, 0)
    opted_out = Profile.objects.get(no_longer_contact_email=True)
    assert (opted_out.external_id, opted_out.first_name) == ("1001", "Zoë 李")
    create = ("create_delivery", "--channel", "email", "--label")
    chosen = ("--audience", f"list:{workbook}", "--sheet", "Lijst é")
    call_command(*create, "L", *chosen, stdout=StringIO())
    audience = deliveries.find("label:L").audience
    assert audience
    assert audience.members.count() == 2
    with pytest.raises(Exception, match="no sheet 'Blad9'"):
        call_command(*create, "M", *chosen[:-1], "Blad9", stdout=StringIO())


def test_a_cell_that_is_merged_over_rows_is_read_in_each_of_them(
    tmp_path: Path,
) -> None:
    """What people see beside three names is said of all three."""
    path = tmp_path / "people.xlsx"
    rows: list[list[Cell]] = [
        ["email", "afgemeld", ""],
        ["a@x.example", "ja", None],
        ["b@x.example", None, None],
        ["c@x.example", None, None],
        ["d@x.example", None, None],
    ]
    path.write_bytes(merged(xlsx({"Blad1": rows}), "B2:C4"))
    read = [record.cells for record in open_file(path).records()]
    assert [cells[1] for cells in read] == ["ja", "ja", "ja", ""]


@pytest.mark.django_db
def test_the_encoding_of_a_list_can_be_said(tmp_path: Path) -> None:
    person = Profile.objects.create(external_id="Łódź")
    path = tmp_path / "list.txt"
    path.write_bytes("ext:Łódź\n".encode("cp1250"))
    create = ("create_delivery", "--channel=email", "--label")
    how = (f"--audience=list:{path}", "--encoding=cp1250")
    call_command(*create, "L", *how, stdout=StringIO())
    audience = deliveries.find("label:L").audience
    assert audience
    assert audience.members.get().profile_id == person.pk
    with pytest.raises(CommandError, match="are for --audience list:FILE"):
        call_command(*create, "M", "--sheet=x", stdout=StringIO())


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("heading", [None, "", " "])
def test_a_last_column_without_a_heading_is_not_passed_over(
    tmp_path: Path, name: str, heading: str | None
) -> None:
    rows: list[list[Cell]] = [
        ["external_id", "first_name", heading, None],
        ["A1", "An", None, None],
        ["A2", "Bo", "unsubscribed", None],
    ]
    path = tmp_path / f"file.{name}"
    path.write_bytes(FORMATS[name]({"People": rows}))
    with pytest.raises(CommandError, match=r"consent: \(column 3 has no name\)"):
        call_command("import_profiles", str(path), "--ignore-unknown")
    assert not Profile.objects.exists()
