"""Quarantine from and to a file, so that no other system's list is lost (Q6)."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy

from audiences import addresses
from audiences.channels import Channel
from audiences.files import (
    BadCell,
    DelimitedFile,
    moment_cell,
    named_cells,
    names_of,
    read_headings,
)
from audiences.imports.engine import Chunk, Importer
from audiences.imports.kinds import Kind, kinds
from audiences.models import AddressStatus, ImportRun
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


_name_of = names_of(dict.fromkeys(COLUMNS, ()))


class QuarantineImporter(Importer[QuarantineAction]):
    """Sets the status that each row gives; a row never lowers a status.

    `channel` is for files without that column. Raises UnknownColumns.
    """

    counted = ("changed", "unchanged", "rejected")
    changing = ("changed",)
    tables = (QuarantineEntry, QuarantineAction)

    def __init__(
        self, file: DelimitedFile, *, channel: str = "", source: str, actor: str = ""
    ) -> None:
        self.source, self.actor = source, actor
        columns = ", ".join(COLUMNS)
        missing = _(
            "The file has no column {missing}. Columns: {columns}. Without the column "
            "channel, choose one channel for the whole file."
        )
        unknown = _("Unknown column: {unknown}. Columns: {columns}.")
        self.columns = read_headings(
            file.header,
            _name_of,
            needed=["address"] if channel else ["channel", "address"],
            missing=missing.replace("{columns}", columns),
            unknown=unknown.replace("{columns}", columns),
        )
        # A blank cell of a channel column says nothing; the row is then rejected.
        self.channel = "" if "channel" in self.columns else channel

    @classmethod
    def of_run(cls, file: DelimitedFile, run: ImportRun) -> "QuarantineImporter":
        channel = run.details.get("channel", "")
        return cls(file, channel=channel, source="import", actor=run.actor)

    def read(self, line: int, cells: list[str]) -> QuarantineAction:
        given = {"channel": self.channel, **named_cells(self.columns, cells)}
        return _action(given, self.source, self.actor)

    def write(self, rows: list[QuarantineAction], chunk: Chunk) -> None:
        changed = writing.raise_statuses(rows)
        chunk.counts["changed"] = changed
        chunk.counts["unchanged"] = len(rows) - changed


def _action(cells: dict[str, str], source: str, actor: str) -> QuarantineAction:
    channel = _choice(cells, "channel", Channel.values)
    status = _choice(
        cells, "status", AddressStatus.values, AddressStatus.QUARANTINE.value
    )
    if status == AddressStatus.VALID:
        raise BadCell("status", _("a file never releases; use release_quarantine"))
    try:
        key = addresses.normalise(channel, cells.get("address", "")).key
    except addresses.InvalidAddress as error:
        raise BadCell("address", str(error)) from error
    count = cells.get("error_count") or "0"
    if not (count.isascii() and count.isdigit() and len(count) < 9):
        raise BadCell(
            "error_count", _("{text} is not a count").format(text=repr(count))
        )
    time = _("{text} is not a time such as 2026-05-01T14:30+02:00")
    return QuarantineAction(
        channel=channel,
        key=key,
        kind=QuarantineAction.Kind.RAISE,
        status=status,
        reason=_choice(cells, "reason", ErrorReason.values, ErrorReason.OPERATOR.value),
        type=_choice(cells, "type", ["", *ErrorType.values], ""),
        text=cells.get("text", ""),
        error_count=int(count),
        first_error_at=moment_cell(cells, "first_error_at", time),
        last_error_at=moment_cell(cells, "last_error_at", time),
        source=source,
        actor=actor,
    )


def _choice(
    cells: dict[str, str], name: str, choices: list[str], default: str | None = None
) -> str:
    value = cells.get(name, "").casefold()
    if not value and default is not None:
        return default
    if value not in choices:
        known = ", ".join(choice for choice in choices if choice)
        problem = _("{text} is not one of {known}")
        raise BadCell(name, problem.format(text=repr(value), known=known))
    return value


kinds.add(
    "quarantine",
    Kind(
        label=gettext_lazy("Quarantine"),
        importer=QuarantineImporter,
        permissions=("delivery.add_quarantineentry",),
        at_once=AT_ONCE,
    ),
)
