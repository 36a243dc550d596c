"""Reading a provider's report about a text message: its code as an event.

The codes are in sms_reports.csv. A hard error quarantines at once, a soft one counts
(Q3). A fault of the content, of our sender or of the network says nothing about the
number: the message failed, and the error is ignored. So is an unknown code.
"""

import csv
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audiences.channels import Channel
from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.models.quarantine import ErrorReason, ErrorType

_FILE = Path(__file__).with_name("sms_reports.csv")


@dataclass(frozen=True, kw_only=True)
class ReportCode:
    """A row of the table: what a code of a provider, or of a standard, means to us.

    `kind` None: the message is still on its way, and nothing has happened.
    """

    codes: str
    code: str
    meaning: str
    kind: EventKind | None
    type: ErrorType
    reason: ErrorReason


def _row(cells: dict[str, str]) -> ReportCode:
    return ReportCode(
        codes=cells["codes"],
        code=cells["code"],
        meaning=cells["meaning"],
        kind=EventKind(cells["kind"]) if cells["kind"] else None,
        type=ErrorType(cells["type"] or "ignored"),
        reason=ErrorReason(cells["reason"] or "not_defined"),
    )


def read_codes() -> dict[tuple[str, str], ReportCode]:
    """The table, by the list that a code is in and the code."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        rows = [_row(cells) for cells in csv.DictReader(lines)]
    return {(row.codes, row.code): row for row in rows}


CODES = read_codes()
LISTS = frozenset(codes for codes, _code in CODES)
# Other providers' names for the states of SMPP 3.4, appendix B.
_WORDS = {
    "DELIVERED": "DELIVRD",
    "EXPIRED": "EXPIRED",
    "DELETED": "DELETED",
    "UNDELIVERED": "UNDELIV",
    "UNDELIVERABLE": "UNDELIV",
    "ACCEPTED": "ACCEPTD",
    "QUEUED": "ENROUTE",
    "SENDING": "ENROUTE",
    "SENT": "ENROUTE",
    "BUFFERED": "ENROUTE",
    "SCHEDULED": "ENROUTE",
    "READ": "DELIVRD",
    "REJECTED": "REJECTD",
    "FAILED": "UNKNOWN",
    "CANCELED": "DELETED",
    "CANCELLED": "DELETED",
}
# "id:12 sub:001 dlvrd:000 … stat:UNDELIV err:001 text:…"
_RECEIPT = re.compile(r"\b(stat|err|id):\s*(\S+)", re.IGNORECASE)


def find_code(codes: str, status: str, error: str = "") -> ReportCode | None:
    """The meaning of a status with an error code; None if the status is unknown.

    The error code decides if this list, or that of the mobile networks (gsm-map), has
    it; a delivered message has no error. A number may have leading zeros or be
    hexadecimal.
    """
    word = status.strip().upper()
    state = CODES.get((codes, word)) or CODES.get(("smpp", _WORDS.get(word, word)))
    if state is not None and state.kind == EventKind.DELIVERED:
        return state
    for place in dict.fromkeys([codes, "gsm-map" if codes == "smpp" else codes]):
        for name in (*_spellings(error), *_spellings(status)):
            found = CODES.get((place, name), state)
            if found is not state:
                return found
    return state


def _spellings(code: str) -> list[str]:
    text = code.strip()
    found = [text]
    if re.fullmatch(r"\d{1,9}", text) and int(text):
        found.append(str(int(text)))
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}", text):
        found.append(f"0x{int(text, 16):08X}")
    return found


def read_receipt(text: str) -> dict[str, str]:
    """The state, error and id in a delivery receipt (SMPP 3.4, appendix B)."""
    found: dict[str, str] = {}
    for name, value in _RECEIPT.findall(text.split("text:", maxsplit=1)[0]):
        found.setdefault(name.lower(), value)
    return found


def event_of(
    *,
    codes: str,
    status: str,
    error: str,
    address: str,
    source: str,
    provider_id: str = "",
    event_id: str = "",
    text: str = "",
    at: datetime | None = None,
) -> FeedbackEvent | None:
    """The event of a report; None while the message is on its way.

    An unknown status is a failure without consequences.
    """
    row = find_code(codes, status, error)
    if row is not None and row.kind is None:
        return None
    code = error.strip() or status.strip()
    return FeedbackEvent(
        kind=row.kind or EventKind.FAILED if row else EventKind.FAILED,
        channel=Channel.SMS,
        address=address,
        source=source,
        type=row.type if row else ErrorType.IGNORED,
        reason=row.reason if row else ErrorReason.NOT_DEFINED,
        status_code=f"{codes} {code}"[:32],
        text=(text or (row.meaning if row else "an unknown status"))[:500],
        at=at,
        event_id=event_id,
        clue=MessageClue(provider_id=provider_id),
    )
