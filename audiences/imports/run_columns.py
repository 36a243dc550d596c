"""What the columns of an uploaded file mean: guessed, asked, and remembered.

A file whose columns nobody understands waits until somebody says what each of them
means. The next file with the same headings is read in the same way, unless a column
that was left out says of somebody for the first time that they have opted out.
"""

import hashlib
from collections.abc import Mapping, Sequence
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
        before = None if is_said else _remembered(run)
        if before:
            run.details["columns"] = before
        try:
            _require_no_more(file, before or ())
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
        consent = _consent_left_out(file, chosen)
        run.details["columns"] = [
            {**choice, "consent": consent.get(position, [])}
            for position, choice in enumerate(chosen)
        ]
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


def _consent_left_out(
    file: TableFile, chosen: Sequence[Mapping[str, Any]]
) -> dict[int, list[str]]:
    """The words about consent in the columns that are left out, by their place."""
    left_out = [n for n, choice in enumerate(chosen) if choice["name"] == LEFT_OUT]
    return {n: sorted(said.consent) for n, said in look_at(file, left_out).items()}


def _require_no_more(file: TableFile, before: Sequence[Mapping[str, Any]]) -> None:
    """Raise UnknownColumns if a column that was left out has a word about consent that
    nobody has seen there."""
    said = [
        file.header[n]
        for n, words in _consent_left_out(file, before).items()
        if not {*words} <= {*before[n].get("consent", ())}
    ]
    if said:
        text = _("A column that was left out before now speaks of consent: {columns}.")
        raise UnknownColumns(text.format(columns=", ".join(said)))


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
