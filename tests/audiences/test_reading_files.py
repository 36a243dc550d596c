"""Files that people made are read alike: headings, cells, lines of a list."""

import csv
import io
from pathlib import Path

import pytest

from audiences import files
from audiences.files import BadCell, UnknownColumns

COLUMNS = {"address": ("adres",), "error_count": ()}
name_of = files.names_of(COLUMNS)


@pytest.mark.parametrize(
    "heading", ["error_count", "Error Count", " ERROR-COUNT ", "errorcount"]
)
def test_letter_case_spaces_hyphens_and_underscores_do_not_count(heading: str) -> None:
    assert files.read_headings([heading, "Adres"], name_of) == [
        "error_count",
        "address",
    ]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (["error count"], "needs address and profile"),
        (["address", "profile", "colour", ""], r"what is colour, \(column 4 has"),
        (["address", "profile", "Adres"], "mean the same: address"),
    ],
)
def test_header_that_cannot_be_meant_is_refused(header: list[str], said: str) -> None:
    known = files.names_of({**COLUMNS, "profile": ()})
    with pytest.raises(UnknownColumns, match=said):
        files.read_headings(
            header,
            known,
            needed=["address", "profile"],
            missing="needs {missing}",
            unknown="what is {unknown}",
        )


def test_braces_in_a_heading_are_only_text() -> None:
    with pytest.raises(UnknownColumns, match=r"what is \{0\}"):
        files.read_headings(["{0}"], name_of, unknown="what is {unknown}")


def test_unknown_columns_are_passed_over_where_they_may_be_there_twice() -> None:
    assert files.read_headings(["x", "x", "adres"], name_of) == [None, None, "address"]


def test_cells_come_back_as_they_were_before_an_export() -> None:
    row = ["=1+1", "+31612345678", "-", "@x", "it's", "'quoted'"]
    stream = io.StringIO()
    files.write_csv(stream, list("abcdef"), [row])
    [_header, written] = csv.reader(io.StringIO(stream.getvalue()))
    assert written[0] == "'=1+1"
    assert list(files.named_cells(list("abcdef"), written).values()) == row


def test_blank_cells_and_columns_without_a_name_say_nothing() -> None:
    given = files.named_cells(["a", None, "b"], [" x ", "y", "  "])
    assert given == {"a": "x"}


def test_cell_that_no_database_keeps_is_bad() -> None:
    with pytest.raises(BadCell) as found:
        files.named_cells(["a", "b"], ["x", "y\0"])
    assert found.value.problem.field == "b"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_lines_of_a_list_are_read_in_any_encoding(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "list"
    path.write_bytes("josé@x.example\r\n\r\n '+31612345678 \n".encode(encoding))
    assert files.read_lines(path) == ["josé@x.example", "", "+31612345678"]
