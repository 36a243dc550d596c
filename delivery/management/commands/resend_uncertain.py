"""resend_uncertain DELIVERY --note N"""

from typing import Any

from audiences.terminal import CampaignCommand, CommandParser, add_delivery
from delivery import deliveries
from delivery.sending import sendings


class Command(CampaignCommand):
    help = (
        "Hand over again the messages of which nobody knows whether they left. Their "
        "recipients may get them twice: nothing does this by itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        parser.add_argument(
            "--note", required=True, metavar="N", help="Why they may get it twice."
        )

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        count = sendings.resend_uncertain(delivery, note=options["note"])
        self.say(f"{count} messages of {delivery.label!r} are handed over again.")
