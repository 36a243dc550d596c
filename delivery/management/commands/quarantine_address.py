"""quarantine_address ADDRESS --channel C [--status S] [--reason R]"""

from typing import Any

from audiences.models import AddressStatus
from audiences.terminal import CampaignCommand, CommandParser, add_channel
from delivery import quarantine
from delivery.models.quarantine import ErrorReason


class Command(CampaignCommand):
    help = (
        "Set the quarantine status of an address by hand, whoever has it. All profiles "
        "with the address are affected."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        add_channel(parser, required=True)
        parser.add_argument(
            "--status",
            default=AddressStatus.QUARANTINE,
            choices=AddressStatus.values,
            help="Default: quarantine.",
        )
        parser.add_argument(
            "--reason", default=ErrorReason.OPERATOR, choices=ErrorReason.values
        )
        parser.add_argument("--note", default="", help="Why; kept with the history.")

    def run(self, **options: Any) -> None:
        entry = quarantine.set_status(
            options["channel"],
            options["address"],
            options["status"],
            reason=options["reason"],
            text=options["note"],
            source="command",
        )
        self.say(f"{options['address']} is {entry.status}.")
