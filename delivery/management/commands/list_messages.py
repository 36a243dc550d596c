"""list_messages DELIVERY [--status S]"""

from typing import Any

from audiences.terminal import CampaignCommand, CommandParser, add_delivery
from delivery import deliveries
from delivery.models import Dispatch
from delivery.sending import listing


class Command(CampaignCommand):
    help = "The targets of a delivery that is sent, as CSV: what became of each."

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        parser.add_argument(
            "--status", choices=Dispatch.Status.values, help="Only those."
        )

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        rows = listing.rows(delivery, options["status"] or "")
        self.write_csv(listing.COLUMNS, rows)
