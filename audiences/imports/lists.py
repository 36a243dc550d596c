"""Lists of people: one PROFILE on each line, or a file with a column that names them.

So the file of a delivery's target, and any export with an external id or an email
address, is a list as it is.
"""

from pathlib import Path

from audiences.files import TableFile, names_of, open_file, read_cell, read_lines
from audiences.refusals import Refused

from .subscriptions import OTHER_NAMES, WHO, naming

_name_of = names_of({name: OTHER_NAMES[name] for name in WHO})


def read_list(path: Path, *, encoding: str = "", sheet: str = "") -> dict[int, str]:
    """Whom each line of the file names, by its number; blank ones are not in it.

    Raises Refused when the file cannot be read.
    """
    lines = read_lines(path, encoding=encoding, sheet=sheet)
    named = {number: line for number, line in enumerate(lines, 1) if line}
    if not named:
        return {}
    try:
        file = open_file(path, encoding=encoding, sheet=sheet)
    except Refused:
        return named  # a line with a quote in it is no broken header
    names = [_name_of(heading) for heading in file.header]
    return _named(file, names) if any(names) else named


def _named(file: TableFile, names: list[str | None]) -> dict[int, str]:
    """Whom the rows name; a row that names nobody stands for itself."""
    who = naming(names)
    named: dict[int, str] = {}
    for record in file.records():
        cells = [read_cell(cell) for cell in record.cells]
        given = {n: c for n, c in zip(names, cells, strict=False) if n and c}
        name = next((name for name in WHO if name in given), "")
        said = who(name, given[name]) if name else ", ".join(filter(None, cells))
        if said or record.problem:
            named[record.line] = said or str(record.problem)
    return named
