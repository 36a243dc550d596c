"""The file of restrictions: JSON, one object a line, and each line on its own.

The first line says what the file is, the last one how many lines there are, so that a
file which was cut off is refused as a whole.

| kind | what it says |
| --- | --- |
| `opt_out` | a person is opted out of `channel`, or of `any` |
| `unsubscribe` | a person's subscription to `service` has ended |
| `wish` | a person asked for a limit (`per_month`) or a pause (`paused_until`) |
| `erasure` | the profile with this number was erased |
| `quarantine` | `address` on `channel` has this status |
| `suppression` | a keyed hash is on the list of suppressed addresses |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_noop as _

from audiences.channels import Channel, Scope
from audiences.consent import Source
from audiences.models import AddressStatus, Suppression
from audiences.refusals import Refused, Sentence
from delivery.models.quarantine import ErrorReason, ErrorType

FORMAT, VERSION = "campaign restrictions", 1
HEAD, END = "head", "end"


class BadLine(Refused):
    """A line cannot be read; `field` says where."""

    def __init__(self, field: str, reason: str, **values: object) -> None:
        self.field = field
        super().__init__(Sentence(reason, values))


@dataclass(frozen=True)
class Named:
    """A person as another copy of the database may know them."""

    id: int
    external_id: str
    created_at: datetime
    addresses: list[tuple[str, str]]


Values = Mapping[str, Any]
Reader = Callable[[Any], Any]


def _moment(value: Any) -> datetime:
    try:
        read = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise ValueError(_("it is not a time such as 2026-05-01T14:30:00+02:00"))
    return read


def _maybe(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(_("it is not a text"))
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(_("it is not a number"))
    return value


def _one_of(choices: Any) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in {*choices}:
            raise ValueError(_("it is none of the known codes"))
        return value

    return read


def _hex(length: int) -> Reader:
    def read(value: Any) -> str:
        text = _text(value)
        if len(text) != length or {*text} - {*"0123456789abcdef"}:
            raise ValueError(_("it is not a keyed hash"))
        return text

    return read


def _person(value: Any) -> Named:
    if not isinstance(value, dict):
        raise ValueError(
            _("it is not a person: id, external_id, created_at, addresses")
        )
    pairs = value.get("addresses")
    if not isinstance(pairs, list):
        raise ValueError(_("it is not a list of channels and addresses"))
    channel = _one_of(Channel.values)
    return Named(
        _number(value.get("id")),
        _text(value.get("external_id", "")),
        _moment(value.get("created_at")),
        [(channel(pair[0]), _text(pair[1])) for pair in map(_pair, pairs)],
    )


def _pair(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(_("it is not a list of channels and addresses"))
    return value


_BLOCKED = {*AddressStatus.values} - {AddressStatus.VALID.value}
_ACT = {"person": _person, "at": _moment, "source": _one_of(Source.values)}
# The fields of each kind of line; the rest of a line is passed over.
FIELDS: dict[str, dict[str, Reader]] = {
    "opt_out": {**_ACT, "channel": _one_of(Scope.values)},
    "unsubscribe": {**_ACT, "service": _text},
    "wish": {
        **_ACT,
        "channel": _one_of(Scope.values),
        "per_month": _maybe(_number),
        "paused_until": _maybe(_moment),
    },
    "erasure": {"profile": _number, "at": _moment},
    "quarantine": {
        "channel": _one_of(Channel.values),
        "address": _text,
        "status": _one_of(_BLOCKED),
        "at": _moment,
        "reason": _one_of(["", *ErrorReason.values]),
        "type": _one_of(["", *ErrorType.values]),
        "text": _text,
        "error_count": _number,
        "first_error_at": _maybe(_moment),
        "last_error_at": _maybe(_moment),
    },
    "suppression": {
        "channel": _one_of(Scope.values),
        "digest": _hex(64),
        "key_id": _hex(8),
        "reason": _one_of(Suppression.Reason.values),
        "since": _moment,
    },
}


def read(line: Any) -> dict[str, Any]:
    """The values of a line by field, with its `kind`; raises BadLine."""
    if not isinstance(line, dict):
        raise BadLine("", _("the line is not an object"))
    kind = line.get("kind")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise BadLine(
            "kind",
            _("{kind} is no kind of restriction; there are: {kinds}"),
            kind=repr(kind)[:50],
            kinds=", ".join(FIELDS),
        )
    found = {"kind": kind}
    for name, reader in FIELDS[kind].items():
        if name not in line:
            raise BadLine(name, _("it is missing"))
        try:
            found[name] = reader(line[name])
        except ValueError as error:
            raise BadLine(name, str(error)) from error
    return found
