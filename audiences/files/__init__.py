"""Reading and writing the files that people make: text, sheets, cells, rejects."""

from audiences.files.opening import open_file, read_lines
from audiences.files.rejects import Reject
from audiences.files.table import TableFile

from .cell_errors import error_in
from .cells import (
    BadCell,
    Problem,
    moment_cell,
    named_cells,
    read_cell,
    safe_cells,
    write_csv,
)
from .headings import UnknownColumns, folded, names_of

__all__ = [
    "BadCell",
    "Problem",
    "Reject",
    "TableFile",
    "UnknownColumns",
    "error_in",
    "folded",
    "moment_cell",
    "named_cells",
    "names_of",
    "open_file",
    "read_cell",
    "read_lines",
    "safe_cells",
    "write_csv",
]
