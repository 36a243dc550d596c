"""Reading and writing the files that people make: delimited text, cells, rejects."""

from audiences.files.cells import (
    BadCell,
    Problem,
    UnknownColumns,
    folded,
    moment_cell,
    named_cells,
    names_of,
    read_headings,
    safe_cells,
    unescaped,
    write_csv,
)
from audiences.files.delimited import DelimitedFile, open_file, read_lines
from audiences.files.rejects import Reject

__all__ = [
    "BadCell",
    "DelimitedFile",
    "Problem",
    "Reject",
    "UnknownColumns",
    "folded",
    "moment_cell",
    "named_cells",
    "names_of",
    "open_file",
    "read_headings",
    "read_lines",
    "safe_cells",
    "unescaped",
    "write_csv",
]
