"""test_delivery DELIVERY --to ADDRESS … [--as PROFILE]"""

from typing import Any

from audiences import profiles
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_delivery,
)
from delivery import deliveries
from delivery.sending import proofs


class Command(CampaignCommand):
    help = (
        "Send a proof to addresses of your own. It is marked as a test, is never "
        "recorded as a message, and its links change nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        parser.add_argument(
            "--to",
            required=True,
            nargs="+",
            action="extend",
            metavar="ADDRESS",
            help="Where it goes; may be repeated.",
        )
        parser.add_argument(
            "--as", dest="as_profile", metavar="PROFILE", help="As this profile."
        )

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        name = options["as_profile"]
        profile = profiles.find(name) if name else None
        found = proofs.send(delivery, options["to"], profile=profile)
        for proof in found:
            result = proof.result
            words = f"{result.code} {result.text}".strip() if result else ""
            said = result.kind.value if result else "uncertain"
            self.say(f"{proof.address}: {said}{': ' if words else ''}{words}")
        if not all(proof.is_taken for proof in found):
            raise CommandError("Not every proof was taken.")
