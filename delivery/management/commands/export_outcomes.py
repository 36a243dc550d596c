"""export_outcomes DELIVERY --target | --excluded | --warning CODE [--as-analysed]"""

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
from delivery.sending.exports import COLUMNS, Export, sentence


class Command(CampaignCommand):
    help = (
        "Write who gets a delivery, who is excluded and why, or whom a warning is "
        "about, as CSV to stdout. Who must not get it any more is left out."
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
        parser.add_argument(
            "--as-analysed",
            action="store_true",
            help="Also who must not get it any more since the analysis.",
        )

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        if delivery.state != Delivery.State.READY:
            raise CommandError(
                f"{delivery.label!r} is not prepared (its state is {delivery.state}): "
                "analyse_delivery makes its outcomes."
            )
        as_analysed = options["as_analysed"]
        if options["excluded"] and as_analysed:
            raise CommandError(
                "--as-analysed goes with --target or --warning: those who are excluded "
                "are always listed as analysed.",
                returncode=2,
            )
        if options["warning"]:
            rows = outcomes.warned(delivery, options["warning"])
        else:
            rows = outcomes.decided(delivery, excluded=options["excluded"])
        export = Export(
            delivery,
            rows,
            as_analysed=as_analysed or options["excluded"],
            is_part=bool(options["warning"]),
        )
        self.write_csv(COLUMNS, export)
        if as_analysed:
            self.note(
                "These are as analysed: who has opted out or failed since is among "
                "them. Do not send to them without a check of your own."
            )
        if export.left_out:
            self.note(sentence(export.left_out))
