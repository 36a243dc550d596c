"""What the columns of an uploaded file mean: guessed, asked, and remembered.

A file whose columns nobody understands waits until somebody says what each of them
means. The next file with the same headings is read in the same way.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, TypedDict

from django.utils.translation import gettext as _

from audiences.files import TableFile, UnknownColumns, folded
from audiences.files.cleaning import storable
from audiences.models import ImportRun
from audiences.refusals import Refused

from . import content
from .columns import look_at
from .columns.consent_words import is_about_consent
from .kinds import kinds

# A column that is left out on purpose.
LEFT_OUT = "-"


class Choice(TypedDict):
    """What somebody says a column means, and with which words it says yes and no."""

    name: str
    when: list[str]
    unless: list[str]


class ColumnToChoose(TypedDict):
    """A column that somebody is asked about: what is in it, and what it may mean."""

    heading: str
    samples: list[str]
    filled: int
    guess: str
    when: list[str]
    is_about_consent: bool


def look(run: ImportRun) -> None:
    """Find out what the columns mean, or let the run wait until somebody says it."""
    with content.on_disk(run) as file:
        run.details["headings"] = _digest(file)
        is_said = run.details.keys() & {"columns", "map", "ignore"}
        if not is_said and (before := _remembered(run)):
            run.details["columns"] = before
        try:
            importer = kinds[run.kind].importer.of_run(file, run)
        except UnknownColumns as refusal:
            if run.details.keys() & {"map", "ignore"} and not refusal.columns:
                raise  # they name what is not there
            run.details.pop("columns", None)
            run.state = ImportRun.State.MAPPING
            # The page asks in its own words; what is wrong beyond that is said.
            asked = "" if refusal.columns else str(refusal)
            unknown = [storable(heading) for heading in refusal.columns]
            run.preview = {"asked": storable(asked), "unknown": unknown}
            run.preview["samples"] = _to_choose(file, run)
            return
        importer.close()
        run.preview = dict(content.looks(file, importer))
        run.state = ImportRun.State.CHECKING


def to_choose(run: ImportRun) -> list[ColumnToChoose]:
    """The columns of the file, to say what they mean; also of one that was checked."""
    if run.state == ImportRun.State.MAPPING:
        found: list[ColumnToChoose] = run.preview["samples"]
        return found
    with content.on_disk(run) as file:
        return _to_choose(file, run)


def choose(run: ImportRun, chosen: Sequence[Choice]) -> None:
    """Read the file so. Raises Refused; nothing is remembered until it is imported."""
    undecided = [c for c in chosen if not c["name"]]
    if undecided:
        raise Refused(_("Say what each column means, or that it is left out."))
    with content.on_disk(run) as file:
        if len(chosen) != len(file.header):
            raise Refused(_("Say what each column means, or that it is left out."))
        run.details["columns"] = [dict(choice) for choice in chosen]
        importer = kinds[run.kind].importer.of_run(file, run)
        importer.close()
        run.preview = dict(content.looks(file, importer))


def _digest(file: TableFile) -> str:
    headings = "\n".join(map(folded, file.header))
    return hashlib.sha256(headings.encode()).hexdigest()


def _remembered(run: ImportRun) -> list[dict[str, Any]] | None:
    """How the last file with these headings was read that was imported."""
    before = ImportRun.objects.filter(
        kind=run.kind,
        state=ImportRun.State.DONE,
        details__headings=run.details["headings"],
        details__has_key="columns",
    )
    last = before.order_by("-pk").first()
    return last.details["columns"] if last else None


def _to_choose(file: TableFile, run: ImportRun) -> list[ColumnToChoose]:
    samples = look_at(file, range(len(file.header)))
    importer = kinds[run.kind].importer
    chosen = run.details.get("columns") or [None] * len(file.header)
    found: list[ColumnToChoose] = []
    for position, heading in enumerate(file.header):
        sample = samples[position]
        # What is shown is kept as JSON.
        values = [storable(value) for value in sample.values]
        name, words = importer.guess(heading, values, file)
        if chosen[position]:
            name, words = chosen[position]["name"], chosen[position]["when"]
        consent = is_about_consent(heading) or sample.says_consent
        if not name and not consent:
            name = LEFT_OUT
        found.append(
            {
                "heading": storable(heading),
                "samples": values,
                "filled": sample.filled,
                "guess": name,
                "when": words,
                "is_about_consent": consent,
            }
        )
    return found
