"""load_demo"""

import sys
from typing import Any

from rich.console import Console

from audiences.terminal import CampaignCommand
from delivery import demo


class Command(CampaignCommand):
    help = (
        "Load demo data into an empty database: 20,000 invented people, services, past "
        "deliveries, quarantine, and a delivery to analyse. Loading it twice changes "
        "nothing."
    )

    def run(self, **options: Any) -> None:
        if demo.is_loaded():
            self.say("The demo is loaded already; its data is kept.")
            return
        console = Console(file=sys.stderr)
        demo.load(on_step=lambda text: demo.step(console, text))
        self.say(f"The demo is loaded. Its delivery is {demo.DELIVERY!r}.")
