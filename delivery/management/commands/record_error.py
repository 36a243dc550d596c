"""record_error ADDRESS --channel C --type T --reason R [--at TIME] [--text T]"""

from typing import Any

from audiences.models import AddressStatus
from audiences.terminal import CampaignCommand, CommandParser, add_channel, moment
from delivery import quarantine
from delivery.models.quarantine import ErrorReason, ErrorType


class Command(CampaignCommand):
    help = (
        "Record that an address failed. A hard error quarantines it at once; a soft "
        "one counts when it is 24 hours or more after the last that counted; an "
        "ignored one changes nothing. A complaint or STOP puts the address on the "
        "denylist."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        add_channel(parser, required=True)
        parser.add_argument("--type", required=True, choices=ErrorType.values)
        parser.add_argument(
            "--reason", default=ErrorReason.NOT_DEFINED, choices=ErrorReason.values
        )
        parser.add_argument(
            "--at", type=moment, help="When it failed; without it, now."
        )
        parser.add_argument("--text", default="", help="What the server said.")

    def run(self, **options: Any) -> None:
        entry = quarantine.record(
            options["channel"],
            options["address"],
            type=options["type"],
            reason=options["reason"],
            at=options["at"],
            text=options["text"],
            source="command",
        )
        status = entry.status if entry else AddressStatus.VALID
        count = entry.error_count if entry else 0
        self.say(f"{options['address']} is {status} ({count} errors).")
