"""A folder of mails with what is known about each, and how well they are read.

`expected.csv` has a row for each recipient that a mail reports about: `file` (relative
to the folder), `kind`, `expected_recipient`, `recipient_alt` (as good a reading),
`expected_reason`, `expected_hard`, `feedback_type`, `duplicate_of` (the same mail under
another name, counted once). Mails that report nothing are negative controls.
"""

import csv
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from delivery.feedback.events import EventKind, FeedbackEvent
from delivery.feedback.mails.arf import ACTING_TYPES
from delivery.feedback.mails.reader import read
from delivery.models.quarantine import ErrorType

OURS = Path(__file__).resolve().parents[1] / "data" / "bounces"

Row = dict[str, str]


@dataclass
class Figures:
    """What reading a corpus came to."""

    mails: int = 0
    recipients: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)
    with_wrong_address: list[str] = field(default_factory=list)
    judged: int = 0
    agreed: int = 0
    disagreed: list[str] = field(default_factory=list)
    controls: int = 0
    acted_on_controls: list[str] = field(default_factory=list)
    # (reason of the corpus, our reason and type) of each recipient.
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def rows_of(folder: Path) -> dict[str, list[Row]]:
    """The rows of each file, every mail once."""
    files: dict[str, list[Row]] = defaultdict(list)
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            files[row["file"]].append(row)
    return {
        name: rows
        for name, rows in files.items()
        if rows[0].get("duplicate_of", "") not in files
    }


def mails_of(folder: Path = OURS) -> Iterator[tuple[str, bytes]]:
    for name in rows_of(folder):
        yield name, (folder / name).read_bytes()


def measure(folder: Path = OURS) -> Figures:
    """Read every mail of a folder and compare."""
    figures = Figures()
    for name, rows in rows_of(folder).items():
        raw = (folder / name).read_bytes()
        started = time.process_time()
        events = read(raw).events
        figures.seconds.append(time.process_time() - started)
        figures.mails += 1
        if _is_control(rows):
            figures.controls += 1
            if any(_acts(event) for event in events):
                figures.acted_on_controls.append(name)
        else:
            _compare(figures, name, rows, events)
    return figures


def _is_control(rows: list[Row]) -> bool:
    """Whether nothing may follow from a mail."""
    kind, feedback = rows[0]["kind"], rows[0]["feedback_type"]
    if kind == "complaint":
        return bool(feedback) and feedback not in ACTING_TYPES
    return kind != "bounce" or rows[0]["n_expected"] == "0"


def _acts(event: FeedbackEvent) -> bool:
    if event.kind == EventKind.FAILED:
        return event.type == ErrorType.HARD
    return event.kind == EventKind.COMPLAINT


def _compare(
    figures: Figures, name: str, rows: list[Row], events: tuple[FeedbackEvent, ...]
) -> None:
    by_address = {_key(event.address): event for event in events}
    known: set[str] = set()
    for row in rows:
        readings = [
            _key(row[column])
            for column in ("expected_recipient", "recipient_alt")
            if row[column]
        ]
        known.update(readings)
        figures.recipients += 1
        event = next((by_address[key] for key in readings if key in by_address), None)
        if event is None:
            figures.missed.append(f"{name}: {readings[0]}")
            continue
        figures.found += 1
        if row["kind"] == "bounce" and row["expected_hard"] != "":
            _judge(figures, name, row, event)
    if by_address.keys() - known:
        wrong = ", ".join(by_address.keys() - known)
        figures.with_wrong_address.append(f"{name}: {wrong}")


def _judge(figures: Figures, name: str, row: Row, event: FeedbackEvent) -> None:
    figures.judged += 1
    reason = row["expected_reason"]
    figures.reasons[reason, event.reason.value, event.type.value] += 1
    is_hard = event.kind == EventKind.FAILED and event.type == ErrorType.HARD
    if is_hard == (row["expected_hard"] == "1"):
        figures.agreed += 1
    else:
        figures.disagreed.append(
            f"{name}: {reason or 'no reason'}, ours {event.reason}"
        )


def _key(address: str) -> str:
    return address.casefold().replace('"', "")
