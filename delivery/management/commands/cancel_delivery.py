"""cancel_delivery DELIVERY"""

from typing import Any

from audiences.terminal import CampaignCommand, add_delivery
from delivery import deliveries
from delivery.sending import sendings


class Command(CampaignCommand):
    help = "Never send what is left of a delivery. What was handed over stands."
    shared = (add_delivery,)

    def run(self, **options: Any) -> None:
        found = sendings.cancel(deliveries.find(options["delivery"]))
        self.say(f"{found.delivery.label!r} is {found.state}.")
