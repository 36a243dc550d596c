"""Reading and writing the files that people make: delimited text, cells, rejects."""

from audiences.files.cells import (
    Problem,
    UnknownColumns,
    safe_cells,
    unescaped,
    write_csv,
)
from audiences.files.delimited import DelimitedFile, open_file

__all__ = [
    "DelimitedFile",
    "Problem",
    "UnknownColumns",
    "open_file",
    "safe_cells",
    "unescaped",
    "write_csv",
]
