"""The uploaded file of an import in the console: kept in pieces, opened, shown."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.utils.translation import gettext as _

from audiences import files
from audiences.files import TableFile
from audiences.files.cleaning import storable
from audiences.models import ImportContent, ImportRun
from audiences.refusals import Refused

from .engine import Importer
from .kinds import kinds

FIRST_ROWS = 5


class NotPossible(Refused):
    """The import cannot go on so; the message says what to do."""


class Column(TypedDict):
    """A column as the file names it, and our name, empty for one that is left out."""

    header: str
    name: str


class Looks(TypedDict):
    """How the file was understood, and its first rows."""

    encoding: str
    delimiter: str
    notes: list[dict[str, object]]
    system: str
    columns: list[Column]
    left_out: list[str]
    rows: list[list[str]]


def keep(run: ImportRun, pieces: Iterable[bytes]) -> None:
    """Keep the file and its size; raises NotPossible for one that is too large."""
    most = settings.IMPORT_LARGEST_MB
    for piece in pieces:
        run.size += len(piece)
        if run.size > most * 1_000_000:
            raise NotPossible(
                _("The file has more than {most} MB. Split it.").format(most=most)
            )
        ImportContent.objects.create(run=run, data=piece)


@contextlib.contextmanager
def on_disk(run: ImportRun) -> Iterator[TableFile]:
    """The file on this machine's disk, while it is read. Raises NotPossible."""
    with tempfile.TemporaryDirectory(prefix="campaign-import-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as target:
            for data in run.content.values_list("data", flat=True).iterator():
                target.write(bytes(data))
        yield _open(run, path)


@contextlib.contextmanager
def opened(run: ImportRun) -> Iterator[tuple[TableFile, Importer[Any]]]:
    """The file, while it is read, and what reads it. Raises NotPossible, and
    UnknownColumns."""
    with on_disk(run) as file:
        importer = kinds[run.kind].importer.of_run(file, run)
        with contextlib.closing(importer):
            yield file, importer


def _open(run: ImportRun, path: Path) -> TableFile:
    how = {name: run.details.get(name, "") for name in ("encoding", "sheet")}
    try:
        return files.open_file(path, **how)
    except Refused as refusal:
        # The name on this disk says nothing to the one who uploaded the file.
        text = str(refusal).replace(str(path), run.file_name)
        raise NotPossible(text) from refusal


def looks(file: TableFile, importer: Importer[Any]) -> Looks:
    """How the file was understood, for the one who confirms it."""
    rows: list[list[str]] = []
    for record in file.records():
        if len(rows) == FIRST_ROWS:
            break
        if not record.problem:
            rows.append([storable(cell) for cell in record.cells])
    return {
        "encoding": file.encoding,
        "delimiter": file.delimiter,
        "notes": [note.as_json() for note in file.notes],
        "system": importer.system,
        "columns": [
            {"header": storable(header), "name": storable(name_of(column))}
            for header, column in zip(file.header, importer.columns, strict=True)
        ],
        "left_out": [storable(header) for header in importer.passed_over],
        "rows": rows,
    }


def name_of(meaning: Any) -> str:
    """What a column means, in our names; empty when it is left out."""
    if isinstance(meaning, tuple):
        return ", ".join(map(str, meaning))
    return str(meaning or "")
