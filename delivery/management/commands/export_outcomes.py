"""export_outcomes DELIVERY --target | --excluded | --warning CODE"""

from typing import Any

from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_delivery,
)
from delivery import analysis, deliveries
from delivery.analysis import outcomes
from delivery.models import Delivery


class Command(CampaignCommand):
    help = (
        "Write who gets a delivery, who is excluded and why, or whom a warning is "
        "about, as CSV to stdout."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        group = parser.add_mutually_exclusive_group(required=True)
        group.add_argument("--target", action="store_true", help="Who gets it.")
        group.add_argument("--excluded", action="store_true", help="Who does not.")
        group.add_argument(
            "--warning",
            metavar="CODE",
            choices=analysis.WARNINGS,
            help=f"Whom a warning is about: {', '.join(analysis.WARNINGS)}.",
        )

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        if delivery.state != Delivery.State.READY:
            raise CommandError(
                f"{delivery.label!r} is not prepared (its state is {delivery.state}): "
                "analyse_delivery makes its outcomes."
            )
        if options["warning"]:
            rows = outcomes.warned(delivery, options["warning"])
        else:
            rows = outcomes.decided(delivery, excluded=options["excluded"])
        self.write_csv(outcomes.COLUMNS, outcomes.export_rows(rows))
