"""suppress ADDRESS --channel C [--any] --note N"""

from typing import Any

from audiences import addresses
from audiences.channels import ANY, Scope
from audiences.suppression import Entry, Reason
from audiences.suppression.writing import suppress_by_hand
from audiences.terminal import CampaignCommand, CommandParser, add_channel


class Command(CampaignCommand):
    help = (
        "Suppress an address: whoever has it, now or later, gets nothing there. "
        "Only a keyed hash of it is kept. It is lifted by the person, who confirms a "
        "subscription from that very address, or by the data protection officer in the "
        "console."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        add_channel(parser, required=True)
        parser.add_argument(
            "--any",
            action="store_true",
            help="On every channel where it can be used: a number also for phone and "
            "fax.",
        )
        parser.add_argument(
            "--note",
            required=True,
            help="Why; required, and without the address: it is kept.",
        )

    def run(self, **options: Any) -> None:
        channel = options["channel"]
        key = addresses.normalise(channel, options["address"]).key
        scope = Scope(ANY if options["any"] else channel)
        entry = Entry(channel, key, scope, Reason.BY_HAND)
        is_new = suppress_by_hand(entry, note=options["note"])
        done = "is suppressed" if is_new else "was suppressed already"
        self.say(f"The address {done}: {scope.label.lower()}.")
