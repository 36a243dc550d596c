"""pause_delivery DELIVERY"""

from typing import Any

from audiences.terminal import CampaignCommand, add_delivery
from delivery import deliveries
from delivery.sending import sendings


class Command(CampaignCommand):
    help = "Pause the sending of a delivery after the messages in flight."
    shared = (add_delivery,)

    def run(self, **options: Any) -> None:
        found = sendings.pause(deliveries.find(options["delivery"]))
        self.say(f"{found.delivery.label!r} is {found.state}.")
