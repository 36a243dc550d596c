"""Files that people made are read alike: bytes, headings, cells, lines of a list."""

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import override
from hypothesis import given, strategies as st

from audiences import files
from audiences.files import BadCell, UnknownColumns, cells, open_file
from audiences.files.table import UnreadableFile
from audiences.imports.columns import Reading, read_columns

COLUMNS = {"address": ("adres",), "error_count": ()}
name_of = files.names_of(COLUMNS)


def opened(folder: Path, content: str | bytes, **how: str) -> Any:
    path = folder / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_file(path, **how)


def rows_of(file: Any) -> list[list[str]]:
    return [record.cells for record in file.records() if not record.problem]


# ------------------------------------------------------------------ headings
@pytest.mark.parametrize(
    "heading",
    [
        *("error_count", "Error Count", " ERROR-COUNT ", "errorcount"),
        *("\ufefferror_count", "error\u200bcount", '"error\ncount"', "ï»¿error count"),
    ],
)
def test_what_does_not_count_in_a_heading(tmp_path: Path, heading: str) -> None:
    file = opened(tmp_path, f"{heading},Adres\n1,x\n")
    found = read_columns(file, name_of, Reading(), known=COLUMNS)
    assert found.meanings == ["error_count", "address"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("error count", "no column address and profile"),
        ("address,profile,colour,", r"Unknown column: colour, \(column 4 has"),
        ("address,profile,Adres,x", "mean the same: address"),
        ("address,profile,{0},x", r"Unknown column: \{0\}"),
        ("address,profile,x,x", "column x is there twice"),
        ("address,profile,opt-out,x", "Looks like consent: opt-out"),
    ],
)
def test_header_that_cannot_be_meant_is_refused(
    tmp_path: Path, header: str, said: str
) -> None:
    known = files.names_of({**COLUMNS, "profile": ()})
    file = opened(tmp_path, f"{header}\n1,2,3,4\n")
    with pytest.raises(UnknownColumns, match=said):
        read_columns(file, known, Reading(), known=(), needed=["address", "profile"])


def test_unknown_columns_are_passed_over_by_name_where_they_may_be_there(
    tmp_path: Path,
) -> None:
    file = opened(tmp_path, "x,y,adres,,\n1,2,3,,\n")
    found = read_columns(file, name_of, Reading(), known=COLUMNS, passes_over=True)
    assert found.meanings == [None, None, "address", None, None]
    assert found.passed_over == ["x", "y"]


# ------------------------------------------------------------------ cells
def test_cells_come_back_as_they_were_before_an_export() -> None:
    row = ["=1+1", "+31612345678", "-", "@x", "it's", "'quoted'"]
    stream = io.StringIO()
    files.write_csv(stream, list("abcdef"), [row])
    [_header, written] = csv.reader(io.StringIO(stream.getvalue()))
    assert written[0] == "'=1+1"
    assert list(files.named_cells(list("abcdef"), written).values()) == row


COMPUTED = "=+-@＝＋－＠"


@pytest.mark.parametrize("sign", COMPUTED)
@pytest.mark.parametrize("before", ["", "x;", "x\t", "x\n", "x\r\n", " ", "x; ", "''"])
def test_no_cell_of_ours_is_computed_whatever_reads_it(before: str, sign: str) -> None:
    text = f"{before}{sign}1+1"
    safe = cells.escaped(text)
    assert safe != text
    assert cells.unescaped(safe) == text
    for piece in (
        safe.replace("\r", "\n").replace("\t", "\n").replace(";", "\n").split("\n")
    ):
        assert piece.lstrip(" ")[:1] not in set(COMPUTED)


@given(st.text("=+-@＝;\t\r\n' a1é", max_size=12))
def test_escape_has_one_inverse(text: str) -> None:
    assert cells.unescaped(cells.escaped(text)) == text
    assert cells.escaped(text)[:1] not in set("=+-@\t\r\n＝")


def test_blank_cells_and_columns_without_a_name_say_nothing() -> None:
    given_ = files.named_cells(["a", None, "b"], [" x\u200b ", "y", " \ufeff "])
    assert given_ == {"a": "x"}


def test_cell_that_no_database_keeps_is_bad() -> None:
    with pytest.raises(BadCell) as found:
        files.named_cells(["a", "b"], ["x", "y\0"])
    assert found.value.problem.field == "b"


def test_reason_is_said_in_the_language_of_whoever_reads_it() -> None:
    with pytest.raises(BadCell) as found:
        files.named_cells(["a"], ["y\0"])
    with override("en"):
        assert str(found.value.problem.reason) == "it contains a NUL character"


# ------------------------------------------------------------------ bytes
NAMES = "id;naam\n1;Zoë\n2;René €\n"


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (NAMES.encode(), {}),
        (NAMES.encode("utf-8-sig"), {}),
        (NAMES.encode("cp1252"), {}),
        (NAMES.encode("utf-16"), {}),
        (NAMES.encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (NAMES.replace(" €", "").encode("cp850"), {"encoding": "CP850"}),
        (NAMES.encode("mac_roman"), {"encoding": "Mac"}),
        (NAMES.encode("cp1250"), {"encoding": "windows-1250"}),
        (b"sep=;\n" + NAMES.encode(), {}),
        (("sep=|\r\n" + NAMES.replace(";", "|")).encode("utf-16"), {}),
        (NAMES.replace("\n", "\r").encode("cp1252"), {}),
        ("id;naam\n1;Zoë\n".encode() + "2;René €\n".encode("cp1252"), {}),
    ],
)
def test_letters_are_read_in_the_encoding_that_they_are_in(
    tmp_path: Path, content: bytes, how: dict[str, str]
) -> None:
    names = [row[1] for row in rows_of(opened(tmp_path, content, **how))]
    assert [name.removesuffix(" €") for name in names] == ["Zoë", "René"]


@pytest.mark.parametrize(
    ("content", "how", "said"),
    [
        (NAMES.encode("utf-16-le"), {}, "utf-16-le"),
        (NAMES.encode("cp1252"), {"encoding": "utf-8"}, "line 2 is not UTF-8"),
        (NAMES.encode(), {"encoding": "rot13"}, "No encoding is named"),
        (NAMES.encode(), {"encoding": "klingon"}, "No encoding is named"),
        (NAMES.encode(), {"sheet": "Blad1"}, "no sheets"),
        (gzip.compress(NAMES.encode(), mtime=0), {}, r"gzip, \.gz\): unpack"),
        (b"PK\x03\x04nonsense", {}, "unpacked"),
        (b"%PDF-1.7", {}, "PDF"),
        (b"a,b\n1,\x81\n", {}, "line 2: byte 0x81"),
        (b"", {}, "empty"),
        (b"\n \n", {}, "empty"),
    ],
)
def test_file_that_cannot_be_read_says_what_to_do(
    tmp_path: Path, content: bytes, how: dict[str, str], said: str
) -> None:
    with pytest.raises(UnreadableFile, match=said):
        opened(tmp_path, content, **how)


def test_lines_in_two_encodings_are_named(tmp_path: Path) -> None:
    lines = ["id;naam", *(f"{n};Zoë" for n in range(30))]
    content = b"\n".join(
        line.encode("cp1252" if n in (3, 7) else "utf-8")
        for n, line in enumerate(lines, 1)
    )
    file = opened(tmp_path, content)
    assert "line 3, 7 (2 in all)" in str(file.notes[0])
    assert {row[1] for row in rows_of(file)} == {"Zoë"}


@pytest.mark.parametrize(
    "content",
    [
        "id;naam;nr\n1;Zoë;1\n2;Ren\xe9".encode()[:-1],
        "id;naam;nr\n1;x;1\n2;Zo\xeb".encode()[:-1],
        "id;naam;nr\n1;x;1\n2;€".encode()[:-1],
    ],
)
def test_file_that_ends_within_a_letter_was_cut_off(
    tmp_path: Path, content: bytes
) -> None:
    file = opened(tmp_path, content)
    assert "cut off" in str(file.notes[0])
    *_first, last = file.records()
    assert (last.cells, bool(last.remark)) == (["2", "", ""], True)


@pytest.mark.parametrize("name", ["René", "Zoë", "BILDÄ"])
def test_last_letter_of_a_windows_file_is_no_cut(tmp_path: Path, name: str) -> None:
    file = opened(tmp_path, f"id;naam\n1;{name}".encode("cp1252"))
    assert rows_of(file) == [["1", name]]
    assert not file.notes


@pytest.mark.parametrize(
    ("end", "is_short"),
    [("2;x", True), ('2;"x"', True), ("2;x\n", False), ("2;x;", False), ("", False)],
)
def test_file_that_ends_within_a_line_is_remarked(
    tmp_path: Path, end: str, is_short: bool
) -> None:
    """The opt-out at the end of its last line may be what is missing."""
    *_first, last = opened(tmp_path, f"id;naam;uit\n1;y\n{end}".encode()).records()
    assert bool(last.remark) is is_short
    assert not last.problem


# ------------------------------------------------------------------ records
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('1;"a\n\nb";x', [["1", "a\n\nb", "x"]]),
        ('1;"' + "line;with;x\n" * 3000 + '";x', [["1", "line;with;x\n" * 3000, "x"]]),
        ("1;a", [["1", "a", ""]]),
        ("1", [["1", "", ""]]),
        ("1;a;x;;;", [["1", "a", "x"]]),
        ("1;a;x;more\n2;b;y", [["2", "b", "y"]]),
        ('1;"a;x\n2;b;y', [["2", "b", "y"]]),
        ('1;a "b" c;x', [["1", 'a "b" c', "x"]]),
        ('1;"a \\"b\\" c";x', [["1", 'a "b" c', "x"]]),
        ('1;"a ""b"" c";x', [["1", 'a "b" c', "x"]]),
    ],
)
def test_records_are_what_the_quotes_say(
    tmp_path: Path, text: str, rows: list[list[str]]
) -> None:
    assert rows_of(opened(tmp_path, f"id;naam;code\n{text}\n")) == rows


def test_stray_quote_costs_its_own_line_in_a_long_file(tmp_path: Path) -> None:
    lines = "".join(f"{n};x;y\n" for n in range(2000))
    file = opened(tmp_path, f'a;b;c\n1;"x;y\n{lines}')
    records = list(file.records())
    assert [r.line for r in records if r.problem] == [2]
    assert len(records) == 2001


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_lines_of_a_list_are_read_in_any_encoding(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "list"
    path.write_bytes("josé@x.example\r\n\r\n '+31612345678 \n".encode(encoding))
    assert files.read_lines(path) == ["josé@x.example", "", "+31612345678"]
