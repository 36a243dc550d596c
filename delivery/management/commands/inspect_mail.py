"""inspect_mail FILE… [--json]"""

import sys
from pathlib import Path
from typing import Any

from audiences.refusals import shortened
from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_json
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.mails.mime import MOST_BYTES
from delivery.feedback.mails.reader import read
from delivery.feedback.mails.reading import Reading


class Command(CampaignCommand):
    help = (
        "Show what mails that came back say: the kind of each and the events that it "
        "would make. Nothing is stored."
    )
    needs_migrated_database = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="A mail as it arrived; - is stdin."
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        readings: list[tuple[str, Reading]] = []
        unopened: list[str] = []
        for name in options["files"]:
            try:
                readings.append((name, read(_bytes_of(name))))
            except OSError as error:
                unopened.append(name)
                told = f"{name}: {error.strerror or error}"
                self.stderr.write(shortened(told, [name]))
        if options["json"]:
            self.write_json({"files": [_facts(*reading) for reading in readings]})
        else:
            self.write_table(
                ["file", "mail", "event", "address", "reason", "type", "status"],
                [row for reading in readings for row in _rows(*reading)],
            )
        if unopened:
            raise CommandError(f"Not read: {', '.join(unopened)}.")


def _bytes_of(name: str) -> bytes:
    """The beginning of a file; what lies beyond isn't read in any mail."""
    if name == "-":
        return sys.stdin.buffer.read(MOST_BYTES)
    with Path(name).open("rb") as stream:
        return stream.read(MOST_BYTES)


def _facts(name: str, reading: Reading) -> dict[str, Any]:
    return {
        "file": name,
        "mail": reading.kind.value,
        "events": [_event(event) for event in reading.events],
    }


def _event(event: FeedbackEvent) -> dict[str, Any]:
    return {
        "kind": event.kind.value,
        "address": event.address,
        "reason": event.reason.value,
        "type": event.type.value,
        "status": event.status_code,
        "channel": event.channel.value,
        "at": event.at.isoformat() if event.at else None,
        "text": event.text,
    }


def _rows(name: str, reading: Reading) -> list[list[str]]:
    kind = str(reading.kind.label)
    events = [
        [e.kind.value, e.address, e.reason.value, e.type.value, e.status_code]
        for e in reading.events
    ]
    return [[name, kind, *cells] for cells in events or [[""] * 5]]
