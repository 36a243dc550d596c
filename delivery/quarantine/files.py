"""Quarantine from and to a file, so that no other system's list is lost (Q6)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy, gettext_noop as _

from audiences.addresses.keys import normalise_all
from audiences.channels import Channel
from audiences.files import (
    BadCell,
    Problem,
    TableFile,
    cleaning,
    error_in,
    folded,
    moment_cell,
    named_cells,
    names_of,
)
from audiences.imports.columns import Reading, channel_named, read_columns
from audiences.imports.engine import Chunk, Importer
from audiences.imports.kinds import Kind, kinds
from audiences.models import AddressStatus, ImportRun
from audiences.refusals import Sentence
from delivery.models import QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorReason, ErrorType

from . import writing

COLUMNS = (
    "channel",
    "address",
    "status",
    "reason",
    "type",
    "text",
    "error_count",
    "first_error_at",
    "last_error_at",
)
# What other lists say of an address that fails, 5.x.x by RFC 3463 among it, and of one
# whose owner wants nothing more; without letter case, spaces and hyphens.
_STATUSES = {
    AddressStatus.QUARANTINE.value: re.compile(
        r"(hard)?bounced?|hard(bounced?)?|invalid|undeliverable|blocked|suppressed"
        r"|5\.\d{1,3}\.\d{1,3}|onbestelbaar|ongeldig|unzustellbar"
    ),
    AddressStatus.DENYLISTED.value: re.compile(
        r"complain(t|ed)|spam(report|complaint)?|unsubscribed?|(deny|block|black)listed"
        r"|afgemeld|klacht"
    ),
}
LEFT_OUT = _("left out: {reason}")
# A list of this many bytes is imported while the operator waits.
AT_ONCE = 1_000_000


def export_rows() -> Iterator[list[Any]]:
    """Every entry that is not valid, in COLUMNS."""
    entries = QuarantineEntry.objects.exclude(status=AddressStatus.VALID)
    for entry in entries.order_by("channel", "key").iterator():
        first, last = (
            at.isoformat() if at else ""
            for at in (entry.first_error_at, entry.last_error_at)
        )
        facts = [getattr(entry, name) for name in COLUMNS[2:-2]]
        yield [entry.channel, entry.key, *facts, first, last]


# What other lists call the column; letter case, spaces and hyphens do not count.
_OTHER_NAMES = {
    "address": ("adres", "email", "e_mail", "emailadres", "email_address", "nummer"),
    "channel": ("kanaal",),
    "reason": ("reden",),
}
_name_of = names_of({name: _OTHER_NAMES.get(name, ()) for name in COLUMNS})


@dataclass(frozen=True, slots=True)
class Row:
    """The addresses of a row, and what of it could not be read."""

    line: int
    actions: tuple[QuarantineAction, ...]
    problems: tuple[Problem, ...]


class QuarantineImporter(Importer[Row]):
    """Sets the status that each row gives; a row never lowers a status.

    What is only told about an address (reason, type, text, count, times) never costs
    its suppression: what cannot be read of it is left out and reported. `channel` is
    for files without that column. Raises UnknownColumns.
    """

    counted = ("changed", "unchanged", "rejected")
    changing = ("changed",)
    tables = (QuarantineEntry, QuarantineAction)

    def __init__(
        self,
        file: TableFile,
        *,
        channel: str = "",
        source: str,
        actor: str = "",
        reading: Reading | None = None,
    ) -> None:
        self.source, self.actor = source, actor
        found = read_columns(
            file,
            _name_of,
            reading or Reading(),
            known=COLUMNS,
            needed=["address"] if channel else ["channel", "address"],
        )
        self.columns, self.passed_over = found.meanings, found.passed_over
        # A blank cell of a channel column says nothing; the row is then rejected.
        self.channel = "" if "channel" in self.columns else channel

    @classmethod
    def of_run(cls, file: TableFile, run: ImportRun) -> "QuarantineImporter":
        channel = run.details.get("channel", "")
        reading = Reading.of_details(run.details, ignore_unknown=run.ignore_unknown)
        return cls(
            file, channel=channel, source="import", actor=run.actor, reading=reading
        )

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(name, name) for name in COLUMNS]

    @classmethod
    def guess(
        cls, heading: str, values: list[str], file: TableFile
    ) -> tuple[str, list[str]]:
        return _name_of(heading) or "", []

    def read(self, line: int, cells: list[str]) -> Row:
        said = named_cells(self.columns, cells, judged=_INFORMATION)
        given = {"channel": self.channel, **said}
        return _row(line, given, self.source, self.actor)

    def write(self, rows: list[Row], chunk: Chunk) -> None:
        actions = [action for row in rows for action in row.actions]
        changed = writing.raise_statuses(actions)
        chunk.counts["changed"] = changed
        chunk.counts["unchanged"] = len(actions) - changed
        for row in rows:
            for problem in row.problems:
                chunk.remark(row.line, problem)


def _row(line: int, cells: dict[str, str], source: str, actor: str) -> Row:
    named = channel_named(cells.get("channel", ""))
    channel = named or _choice(cells, "channel", Channel.values)
    status = _status(cells)
    if status == AddressStatus.VALID:
        raise BadCell(
            "status",
            _("a file never releases: do it by hand"),
        )
    problems: list[Problem] = []
    keys = _keys(channel, cells.get("address", ""), problems)
    told = {
        name: _told(problems, read, cells, name) for name, read in _INFORMATION.items()
    }
    facts = {name: value for name, value in told.items() if value is not None}
    actions = tuple(
        QuarantineAction(
            channel=channel,
            key=key,
            kind=QuarantineAction.Kind.RAISE,
            status=status,
            source=source,
            actor=actor,
            **facts,
        )
        for key in keys
    )
    return Row(line, actions, tuple(problems))


def _keys(channel: str, text: str, problems: list[Problem]) -> list[str]:
    """The keys of the addresses in a cell; raises BadCell when none can be read."""
    found = normalise_all(channel, text)
    keys = [given.key for given in found if given.is_valid]
    if not keys:
        raise BadCell("address", found[0].reason)
    problems += [
        Problem("address", Sentence(LEFT_OUT, {"reason": given.reason}))
        for given in found
        if not given.is_valid
    ]
    return keys


def _status(cells: dict[str, str]) -> str:
    """Our status of an address, also in the words of those who send mail."""
    said = cells.get("status", "")
    for status, words in _STATUSES.items():
        if words.fullmatch(folded(said)):
            return status
    default = AddressStatus.QUARANTINE.value
    return _choice(cells, "status", AddressStatus.values, default)


Reader = Callable[[dict[str, str], str], Any]


def _told(
    problems: list[Problem], read: Reader, cells: dict[str, str], name: str
) -> Any:
    """What a cell tells besides, or None with a problem more."""
    try:
        return read(cells, name)
    except BadCell as bad:
        problem = bad.problem
        reason = Sentence(LEFT_OUT, {"reason": problem.reason})
        problems.append(Problem(problem.field, reason))
        return None


def _reason(cells: dict[str, str], name: str) -> str:
    return _choice(cells, name, ErrorReason.values, ErrorReason.OPERATOR.value)


def _type(cells: dict[str, str], name: str) -> str:
    return _choice(cells, name, ["", *ErrorType.values], "")


def _count(cells: dict[str, str], name: str) -> int:
    count = cells.get(name) or "0"
    if not (count.isascii() and count.isdigit() and len(count) < 9):
        raise BadCell(name, _("{text} is not a count"), text=repr(count[:50]))
    return int(count)


def _time(cells: dict[str, str], name: str) -> Any:
    no_time = _("{text} is not a time such as 2026-05-01T14:30+02:00")
    return moment_cell(cells, name, no_time)


def _text(cells: dict[str, str], name: str) -> str:
    text = cells.get(name, "")
    if error := error_in(text):
        raise BadCell(name, error)
    if len(text) > cleaning.LONGEST:
        raise BadCell(name, cleaning.too_long())
    return text


_INFORMATION: dict[str, Reader] = {
    "reason": _reason,
    "type": _type,
    "text": _text,
    "error_count": _count,
    "first_error_at": _time,
    "last_error_at": _time,
}


def _choice(
    cells: dict[str, str], name: str, choices: list[str], default: str | None = None
) -> str:
    value = cells.get(name, "").casefold()
    if not value and default is not None:
        return default
    if value not in choices:
        known = ", ".join(choice for choice in choices if choice)
        problem = _("{text} is not one of {known}")
        raise BadCell(name, problem, text=repr(value[:50]), known=known)
    return value


kinds.add(
    "quarantine",
    Kind(
        label=gettext_lazy("Quarantine"),
        importer=QuarantineImporter,
        permissions=("delivery.add_quarantineentry",),
        scope="quarantine:write",
        options=("channel", "ignore_unknown"),
        at_once=AT_ONCE,
    ),
)
