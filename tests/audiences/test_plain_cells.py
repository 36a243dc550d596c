"""The short way to read a plain cell comes to the same as the way that knows all."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from audiences.imports import people_rows
from audiences.imports.columns.people import column_of
from audiences.imports.people_rows import RowReader

NAMES = (
    *("external_id", "first_name", "language", "country", "email", "email_2", "sms"),
    *("international_sms", "direct_mail", "push", "no_longer_contact_email"),
)
COLUMNS = [column for name in NAMES if (column := column_of(name))]
CELLS = [
    *("C1", "a" * 99, "a" * 100, "a" * 101, "1001.0", "1E+5", "Totaal", "'C1", " C1 "),
    *("Jan", "'t Hart", "'Jan", "x" * 151, "nl", "nl-BE", "NL", "Nederland", "?"),
    *("jan@shop.example", "Jan@Shop.Example", "'jan@shop.example", "jan@shop"),
    *("a;'b@shop.example", "jan@sh\u200bop.example", "jan@münchen.example", "@", "a@"),
    *("jan@shop.example;an@shop.example", "<jan@shop.example>", "jan@shop.example."),
    *(
        "06 12345678",
        "+31612345678",
        "31612345678",
        "612345678.0",
        "06-12",
        "'0612345678",
    ),
    *(
        "0",
        "1",
        "ja",
        "Nee",
        "yes\u200b",
        "'1",
        "misschien",
        "-",
        " ",
        "\u200b",
        "\x00",
    ),
    *("=1", "'=1", "-1", "'-1", "a\x00b", "jan@shop.example\x00", "1\x00", "\ufeffnl"),
]
PIECES = [*"aB1 .'+-@;=\t", "\x00", "\u200b", "\u00fc", "@shop.example", "0612345678"]


def read(cells: list[str], column: Any) -> list[Any]:
    """What rows of one column say, or why they say nothing."""
    reader = RowReader([(0, column)])
    rows = [reader.read(line, [cell]) for line, cell in enumerate(cells, 2)]
    return [[str(getattr(row, part.name)) for part in fields(row)] for row in rows]


def both(cells: list[str], column: Any, patch: pytest.MonkeyPatch) -> None:
    quick = read(cells, column)
    with patch.context() as none:
        none.setattr(people_rows, "taking", lambda column: lambda row, cell: False)
        assert read(cells, column) == quick


@pytest.mark.one_database
@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_plain_cells_are_read_as_all_others_are(
    column: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.PHONE_REGION = "NL"
    # Twice: what was read before is remembered.
    both([*CELLS, *CELLS], column, monkeypatch)


@pytest.mark.one_database
@settings(max_examples=150, deadline=None, database=None)
@given(parts=st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
def test_so_are_cells_that_nobody_thought_of(parts: list[str]) -> None:
    cell = "".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        for column in COLUMNS:
            both([cell, cell], column, patch)
