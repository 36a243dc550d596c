"""Quarantine from and to a file, so that no other system's list is lost (Q6)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audiences import addresses, moments
from audiences.channels import Channel
from audiences.files import DelimitedFile
from audiences.models import AddressStatus
from audiences.refusals import Refused
from delivery.models import QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorReason, ErrorType

from . import writing

COLUMNS = [
    "channel",
    "address",
    "status",
    "reason",
    "type",
    "text",
    "error_count",
    "first_error_at",
    "last_error_at",
]
BATCH = 1000


class BadValue(Refused):
    """A cell that cannot be read; `field` names its column."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(reason)


@dataclass
class Result:
    """What an import did: counts, and for each rejected row its line, field, reason."""

    changed: int = 0
    unchanged: int = 0
    rejects: list[tuple[int, str, str]] = field(default_factory=list)


def export_rows() -> Iterator[list[Any]]:
    """Every entry that is not valid, in COLUMNS."""
    entries = QuarantineEntry.objects.exclude(status=AddressStatus.VALID)
    for entry in entries.order_by("channel", "key").iterator():
        yield [
            entry.channel,
            entry.key,
            entry.status,
            entry.reason,
            entry.type,
            entry.text,
            entry.error_count,
            entry.first_error_at.isoformat() if entry.first_error_at else "",
            entry.last_error_at.isoformat() if entry.last_error_at else "",
        ]


def import_file(
    file: DelimitedFile,
    *,
    channel: str | None = None,
    source: str,
    actor: str = "",
    dry_run: bool = False,
) -> Result:
    """Set the status that each row gives; a row never lowers a status.

    `channel` is for files without that column. Rows that cannot be read are rejected
    and the others are done. Raises Refused when a needed column is missing.
    """
    header = [name.strip().casefold().replace(" ", "_") for name in file.header]
    missing = [c for c in ("channel", "address") if c not in header]
    if channel and "channel" in missing:
        missing.remove("channel")
    if missing:
        raise Refused(
            _(
                "The file has no column {missing}. Columns: {columns}. Without the "
                "column channel, choose one channel for the whole file."
            ).format(missing=_(" and ").join(missing), columns=", ".join(COLUMNS))
        )
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise Refused(
            _("Unknown column: {unknown}. Columns: {columns}.").format(
                unknown=", ".join(unknown), columns=", ".join(COLUMNS)
            )
        )
    result = Result()
    batch: list[QuarantineAction] = []
    for record in file.records():
        try:
            if record.problem:
                raise BadValue("", record.problem)
            cells = dict(zip(header, map(str.strip, record.cells), strict=True))
            batch.append(_action({"channel": channel or "", **cells}, source, actor))
        except BadValue as error:
            result.rejects.append((record.line, error.field, str(error)))
        if len(batch) >= BATCH:
            _apply(batch, result, dry_run=dry_run)
            batch = []
    _apply(batch, result, dry_run=dry_run)
    return result


def _action(cells: dict[str, str], source: str, actor: str) -> QuarantineAction:
    if "\0" in cells.get("text", ""):
        raise BadValue("text", _("it contains a NUL character"))
    channel = _choice(cells, "channel", Channel.values)
    status = _choice(
        cells, "status", AddressStatus.values, AddressStatus.QUARANTINE.value
    )
    if status == AddressStatus.VALID:
        raise BadValue("status", _("a file never releases; use release_quarantine"))
    try:
        key = addresses.normalise(channel, _unescaped(cells["address"])).key
    except addresses.InvalidAddress as error:
        raise BadValue("address", str(error)) from error
    count = cells.get("error_count") or "0"
    if not (count.isascii() and count.isdigit() and len(count) < 9):
        raise BadValue(
            "error_count", _("{text} is not a count").format(text=repr(count))
        )
    return QuarantineAction(
        channel=channel,
        key=key,
        kind=QuarantineAction.Kind.RAISE,
        status=status,
        reason=_choice(cells, "reason", ErrorReason.values, ErrorReason.OPERATOR.value),
        type=_choice(cells, "type", ["", *ErrorType.values], ""),
        text=_unescaped(cells.get("text", "")),
        error_count=int(count),
        first_error_at=_time(cells, "first_error_at"),
        last_error_at=_time(cells, "last_error_at"),
        source=source,
        actor=actor,
    )


def _unescaped(text: str) -> str:
    """Take back the apostrophe with which our exports disarm formulas."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _choice(
    cells: dict[str, str], name: str, choices: list[str], default: str | None = None
) -> str:
    value = cells.get(name, "").casefold()
    if not value and default is not None:
        return default
    if value not in choices:
        known = ", ".join(choice for choice in choices if choice)
        problem = _("{text} is not one of {known}")
        raise BadValue(name, problem.format(text=repr(value), known=known))
    return value


def _time(cells: dict[str, str], name: str) -> datetime | None:
    text = cells.get(name, "")
    if not text:
        return None
    try:
        at = moments.read(text)
    except Refused as error:
        raise BadValue(name, str(error)) from error
    if at is None:
        problem = _("{text} is not a time such as 2026-05-01T14:30+02:00")
        raise BadValue(name, problem.format(text=repr(text)))
    return at.astimezone(UTC)


def _apply(batch: list[QuarantineAction], result: Result, *, dry_run: bool) -> None:
    with transaction.atomic():
        changed = writing.raise_statuses(batch, dry_run=dry_run)
    result.changed += changed
    result.unchanged += len(batch) - changed
