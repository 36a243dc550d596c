"""stop_analysis DELIVERY"""

from typing import Any

from audiences.terminal import CampaignCommand, CommandError, add_delivery
from delivery import analysis, deliveries


class Command(CampaignCommand):
    help = (
        "Ask a running analysis to stop after its present chunks, wherever it runs. "
        "analyse_delivery goes on from there."
    )
    shared = (add_delivery,)

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        if not analysis.request_stop(delivery):
            raise CommandError(f"{delivery.label!r} is not being analysed.")
        self.say(f"The analysis of {delivery.label} stops after its present chunks.")
