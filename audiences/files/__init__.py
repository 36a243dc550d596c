"""Reading and writing the files that people make: delimited text, cells, rejects."""

from audiences.files.delimited import DelimitedFile, open_file, read_lines
from audiences.files.rejects import Reject

from .cells import (
    BadCell,
    Problem,
    moment_cell,
    named_cells,
    safe_cells,
    unescaped,
    write_csv,
)
from .headings import UnknownColumns, folded, names_of, read_headings

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
