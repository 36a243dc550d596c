"""What the columns of a file mean: named, mapped, known of another system, or unknown.

One way for every kind of file. What nobody knows is refused or passed over by name;
what looks like consent is passed over only when somebody names it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, cast

from django.utils.translation import gettext as _

from audiences.files import TableFile, UnknownColumns, folded

from .action_words import is_about_leaving
from .consent_words import is_about_consent, says_who_may
from .layouts import recognise
from .meanings import FILLED, NO_OR_YES, YES_OR_NO, When, as_said
from .samples import look_at

Meaning = TypeVar("Meaning")
# Instead of the words that say yes: whatever stands in the column.
ANY_VALUE = "*"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the columns of a file are to be read.

    `mapping` gives our name for a column of the file; `ignore` are columns to leave
    out. `chosen` says of every column, in their order, its `name`, and the words with
    which it says yes (`when`, ANY_VALUE for all) and no (`unless`); a name that is none
    of ours leaves it out. The remedies say what to do about a refusal, in the words of
    the one who asked.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    chosen: Sequence[Mapping[str, Any]] = ()
    ignore_unknown: bool = False
    ignore: Sequence[str] = ()
    # What the one who asked calls `mapping` and `ignore`.
    options: tuple[str, str] = ("--map", "--ignore")
    remedy: str = (
        "Rename it, give its meaning with --map NAME=COLUMN, or leave such columns out "
        "with --ignore-unknown."
    )
    consent_remedy: str = (
        "Give its meaning with --map NAME=COLUMN, or leave it out by name with "
        "--ignore COLUMN."
    )

    @classmethod
    def of_details(cls, details: Mapping[str, Any], **facts: Any) -> "Reading":
        """As it was asked for with an uploaded file (`ImportRun.details`)."""
        remedy = _("Say what it means, or leave it out by name.")
        how = {"remedy": remedy, "consent_remedy": remedy, "options": ("map", "ignore")}
        return cls(
            mapping=details.get("map", {}),
            ignore=details.get("ignore", ()),
            chosen=details.get("columns", ()),
            **how | facts,
        )


@dataclass(frozen=True)
class Columns(Generic[Meaning]):
    """What each column means, None where it is left out; and which ones those are."""

    meanings: list[Meaning | None]
    passed_over: list[str]


def read_columns(
    file: TableFile,
    meaning: Callable[[str], Meaning | None],
    how: Reading,
    *,
    known: Iterable[str],
    needed: Iterable[Meaning] = (),
    of_layout: Callable[[str], Meaning | None] | None = None,
    nothing: Meaning | None = None,
    passes_over: bool = False,
) -> Columns[Meaning]:
    """What the columns of the file mean; `known` are our names, for the refusals.

    `of_layout` gives the meaning of a heading in the export of another system, which
    may be `nothing`. With `passes_over` unknown columns are no reason to refuse the
    file. Raises UnknownColumns.
    """
    if how.chosen:
        return _chosen(file, meaning, how, needed)
    names = _("Known names: {names}.").format(names=", ".join(known))
    named = _mapped(file.header, meaning, how, names)
    ignored = _ignored(file.header, how)

    def meant(heading: str) -> Meaning | None:
        plain = folded(heading)
        if not plain or plain in ignored:
            return nothing if plain else None
        if plain in named:
            return _turned(meaning(named[plain]), heading)
        told = of_layout(heading) if of_layout else None
        return meaning(heading) if told is None else told

    found = [meant(heading) for heading in file.header]
    known_ones = list(zip(file.header, found, strict=True))
    _require_once(known_ones, nothing)
    _require_needed(found, needed, names)
    unknown = [
        n
        for n, means in enumerate(found)
        if means is None and folded(file.header[n]) not in ignored
    ]
    left_out = _left_out(file, unknown, how, names, passes_over or bool(of_layout))
    return Columns(
        [None if means == nothing else means for means in found],
        [
            heading or _nameless(number)
            for number, (heading, means) in enumerate(known_ones)
            if number in left_out or (heading and means in (None, nothing))
        ],
    )


def _chosen(
    file: TableFile,
    meaning: Callable[[str], Meaning | None],
    how: Reading,
    needed: Iterable[Meaning],
) -> Columns[Meaning]:
    """As somebody has said of each column."""
    found = [
        _with_words(meaning(choice["name"]), choice, heading)
        for heading, choice in zip(file.header, how.chosen, strict=True)
    ]
    columns = list(zip(file.header, found, strict=True))
    _require_once([(_nameless(n), m) for n, (_h, m) in enumerate(columns)], None)
    _require_needed(found, needed)
    return Columns(
        found, [h or _nameless(n) for n, (h, m) in enumerate(columns) if not m]
    )


def _turned(means: Meaning | None, heading: str) -> Meaning | None:
    """An opt-out that somebody reads in a column such as "may contact" is the no."""
    if not isinstance(means, tuple) or not says_who_may(heading):
        return means
    said = [
        replace(column, when=NO_OR_YES) if column.kind == "flag" else column
        for column in means
    ]
    return cast(Meaning, tuple(said))


def _with_words(
    means: Meaning | None, choice: Mapping[str, Any], heading: str
) -> Meaning | None:
    """A column of yes and no with the words that say so; others are not guessed."""
    if not isinstance(means, tuple):
        return means
    yes, no = (
        frozenset(map(as_said, choice.get(name, ()))) for name in ("when", "unless")
    )
    default = NO_OR_YES if says_who_may(heading) else YES_OR_NO
    words = When.chosen(yes, no, leaving=is_about_leaving(heading)) if yes else default
    words = FILLED if ANY_VALUE in yes else words
    said = [
        replace(column, when=words, adds_up=True)
        if column.kind in ("flag", "failure")
        else column
        for column in means
    ]
    return cast(Meaning, tuple(said))


def _require_needed(
    found: list[Meaning | None], needed: Iterable[Meaning], names: str = ""
) -> None:
    absent = [str(name) for name in needed if name not in found]
    if absent:
        text = _("The file has no column {missing}.")
        said = text.format(missing=_(" and ").join(absent))
        raise UnknownColumns(f"{said} {names}".strip())


def _mapped(
    header: list[str],
    meaning: Callable[[str], Meaning | None],
    how: Reading,
    names: str,
) -> dict[str, str]:
    strange = [name for name in how.mapping if meaning(name) is None]
    if strange:
        text = _("{option}: {names} is no name of ours.")
        said = text.format(option=how.options[0], names=", ".join(strange))
        raise UnknownColumns(f"{said} {names}")
    _require_present(header, how.mapping.values(), how.options[0])
    return {folded(column): name for name, column in how.mapping.items()}


def _ignored(header: list[str], how: Reading) -> set[str]:
    _require_present(header, how.ignore, how.options[1])
    return set(map(folded, how.ignore))


def _require_present(header: list[str], columns: Iterable[str], option: str) -> None:
    present = set(map(folded, header))
    absent = [column for column in columns if folded(column) not in present]
    if absent:
        text = _("The file has no column {columns} ({option}).")
        raise UnknownColumns(text.format(columns=", ".join(absent), option=option))


def _require_once(
    columns: list[tuple[str, Meaning | None]], nothing: Meaning | None
) -> None:
    """No heading twice, and no two columns with one meaning, except what adds up."""
    seen: set[str] = set()
    meant: list[Meaning] = []
    for heading, means in columns:
        plain = folded(heading)
        if not plain or (means is not None and (means == nothing or _adds_up(means))):
            continue
        if means is not None and means in meant:
            text = _("Two columns mean the same: {name}.")
            raise UnknownColumns(text.format(name=_said(means)))
        if plain in seen:
            text = _("The column {column} is there twice. Rename one of them.")
            raise UnknownColumns(text.format(column=heading))
        seen.add(plain)
        if means is not None:
            meant.append(means)


def _adds_up(means: object) -> bool:
    """Whether another system's export may say it in several columns: of what restricts
    the strictest counts."""
    return isinstance(means, tuple) and all(
        column.kind in ("flag", "failure", "name") and column.adds_up
        for column in means
    )


def _said(means: object) -> str:
    return ", ".join(map(str, means)) if isinstance(means, tuple) else str(means)


def _left_out(
    file: TableFile, unknown: list[int], how: Reading, names: str, passes_over: bool
) -> list[int]:
    """The columns that are passed over; those that must not be are refused."""
    samples = look_at(file, unknown)
    # An empty column without a heading is only a delimiter too many.
    real = [n for n in unknown if file.header[n] or samples[n].filled]
    said = {n: file.header[n] or _nameless(n) for n in real}
    layout = recognise(file.header)
    consent = [
        said[n]
        for n in real
        if is_about_consent(file.header[n])
        or samples[n].says_consent
        or (layout and layout.is_about_consent(file.header[n]))
    ]
    if consent:
        text = _("Looks like consent: {columns}.").format(columns=", ".join(consent))
        hint = _hint(file) if how.ignore_unknown else []
        raise UnknownColumns(" ".join([text, how.consent_remedy, *hint, names]))
    if real and not how.ignore_unknown and not passes_over:
        text = _("Unknown column: {columns}.")
        text = text.format(columns=", ".join(said.values()))
        refused = UnknownColumns(f"{text} {how.remedy} {names}")
        refused.columns = tuple(said.values())
        raise refused
    return real


def _hint(file: TableFile) -> list[str]:
    """What to do about a file whose layout is known and was not to be used."""
    layout = recognise(file.header)
    if layout is None:
        return []
    text = _(
        "The file looks like an export of {system}, which is read without options."
    )
    return [text.format(system=layout.name)]


def _nameless(position: int) -> str:
    return _("(column {number} has no name)").format(number=position + 1)
