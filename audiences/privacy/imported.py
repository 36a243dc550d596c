"""Uploaded files of imports that have not ended: what they say about a person.

When an import has ended its file is gone. Before that it cannot be imported without the
person, so an erasure gives the import up.
"""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from audiences.imports import content, runs
from audiences.imports.content import NotPossible
from audiences.models import ImportRun
from audiences.suppression.traces import Traces

from .people import Person


def described(person: Person) -> Iterator[dict[str, Any]]:
    """The rows about a person, with the name of each file."""
    for run in _with_files():
        for cells in _rows(run, person.traces):
            yield {"file": run.file_name, "uploaded": run.created_at, "row": cells}


def give_up(person: Person) -> None:
    """End the imports whose files name the person; their files are removed."""
    for run in _with_files():
        if any(_rows(run, person.traces)):
            runs.give_up(
                run,
                _(
                    "A person in this file was erased meanwhile. Take them out of the "
                    "file, and upload it again."
                ),
            )


def _with_files() -> list[ImportRun]:
    return list(ImportRun.objects.filter(content__isnull=False).distinct())


def _rows(run: ImportRun, traces: Traces) -> Iterator[list[str]]:
    if not traces:
        return
    try:
        with content.on_disk(run) as file:
            for record in file.records():
                if traces.are_in("\n".join(record.cells)):
                    yield record.cells
    except NotPossible:  # nobody can read it as a table: by its bytes
        pieces = run.content.values_list("data", flat=True)
        text = b"".join(map(bytes, pieces)).decode("utf-8", "replace")
        if traces.are_in(text):
            yield [text]
