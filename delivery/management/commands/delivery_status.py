"""delivery_status DELIVERY [--json]"""

from typing import Any

from audiences.terminal import CampaignCommand, add_delivery, add_json
from delivery import deliveries
from delivery.management.sending import as_json, say_status
from delivery.sending import status


class Command(CampaignCommand):
    help = (
        "How far a delivery is, and what came of it: waiting, sent, withdrawn by "
        "cause, refused, uncertain; delivered, failed, complaints, unsubscribed."
    )
    shared = (add_delivery, add_json)

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        found = status.status_of(delivery)
        if options["json"]:
            self.write_json(as_json(delivery, found))
        else:
            say_status(self, delivery, found)
