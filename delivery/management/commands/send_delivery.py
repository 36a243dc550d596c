"""send_delivery DELIVERY [--at TIME] [--rate N/s|N/m|N/h] [--to FILE] [--foreground]"""

import argparse
import re
from pathlib import Path
from typing import Any

from django.utils import timezone

from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_delivery,
    add_json,
    moment,
    stop_on_interrupt,
)
from delivery import deliveries
from delivery.content import columns_of
from delivery.management.sending import as_json, say_status
from delivery.models import Delivery, Sending
from delivery.sending import extraction, sendings, status, worker

_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)/([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def rate(text: str) -> float:
    """An argument such as 50/s, 600/m or 10000/h, as messages a second."""
    found = _RATE.fullmatch(text)
    if not found or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(
            f"{text[:200]!r} is not a rate such as 50/s, 600/m or 10000/h"
        )
    return float(found[1]) / _SECONDS[found[2]]


NOW = "now"


def moment_or_now(text: str) -> Any:
    """An argument that is a date or a time, or the word now."""
    return NOW if text == NOW else moment(text)


class Command(CampaignCommand):
    help = (
        "Send a prepared delivery. Email, SMS and push go through the gateway, by the "
        "background workers; direct mail, phone and fax into an extraction file. Every "
        "target is checked once more before it is handed over, and handed over at most "
        "once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        parser.add_argument(
            "--at",
            type=moment_or_now,
            metavar="TIME",
            help="Begin then; or now, whatever its contact date is. Without it, at its "
            "contact date, else now.",
        )
        parser.add_argument(
            "--rate", type=rate, metavar="N/s", help="At most so many: N/s, N/m, N/h."
        )
        parser.add_argument(
            "--to", type=Path, metavar="FILE", help="The extraction file to write."
        )
        parser.add_argument(
            "--columns",
            metavar="A,B",
            help="The columns of the extraction file, in place of the delivery's.",
        )
        parser.add_argument(
            "--foreground",
            action="store_true",
            help="Send in this process. Ctrl-C pauses it.",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        if options["to"]:
            self._refuse(options, "at", "rate", "foreground")
            extraction.write(
                delivery,
                options["to"],
                columns=columns_of(options["columns"] or delivery.columns),
                actor="a command",
            )
        else:
            self._refuse(options, "columns")
            self._send(delivery, options)
        found = status.status_of(delivery)
        if options["json"]:
            self.write_json(as_json(delivery, found))
        else:
            say_status(self, delivery, found)
        bad = (Sending.State.PAUSED, Sending.State.CANCELLED, Sending.State.FAILED)
        if found.state in bad:
            raise CommandError(f"{delivery.label!r} is {found.state}. {found.reason}")

    def _refuse(self, options: dict[str, Any], *names: str) -> None:
        for name in names:
            if options[name]:
                raise CommandError(
                    f"--{name} and --to FILE contradict each other."
                    if name != "columns"
                    else "--columns needs --to FILE.",
                    returncode=2,
                )

    def _send(self, delivery: Delivery, options: dict[str, Any]) -> None:
        at, is_now = options["at"], options["at"] == NOW
        at = None if is_now else at
        if options["foreground"] and at:
            raise CommandError(
                "--at needs a background worker: leave out --foreground.", returncode=2
            )
        found = Sending.objects.filter(delivery=delivery).first()
        if not (options["foreground"] and found and found.state == "sending"):
            if options["foreground"] and (later := self._later(delivery, is_now)):
                raise CommandError(
                    f"{delivery.label!r} is to be sent at {later}: leave out "
                    "--foreground, or say --at now."
                )
            found = sendings.begin(
                delivery,
                actor="a command",
                at=at,
                is_now=is_now,
                rate=options["rate"],
                wakes=not options["foreground"],
            )
        if options["foreground"]:
            self._in_foreground(delivery, found)

    def _later(self, delivery: Delivery, is_now: bool) -> str:
        """The moment that it would be scheduled for; empty: it would begin now."""
        at = sendings.moment_of(delivery, is_now=is_now)
        return sendings.in_zone(at) if at and at > timezone.now() else ""

    def _in_foreground(self, delivery: Delivery, sending: Sending) -> None:
        total = status.status_of(delivery).to_deliver
        with self.progress("Sending") as progress, stop_on_interrupt() as asked:

            def show() -> None:
                now = status.status_of(delivery)
                progress(total - now.waiting, total)

            worker.send(sending, on_progress=show, should_stop=asked)
            if asked():
                sendings.pause(delivery, reason="Stopped at the terminal.")
