"""expire_subscriptions"""

from typing import Any

from audiences import subscriptions
from audiences.terminal import CampaignCommand


class Command(CampaignCommand):
    help = (
        "End the subscriptions that have passed their validity and write it into the "
        "history. Analyses look at the date themselves and do not wait for it. "
        "Celery's beat does it by itself each hour; without it, run this each night."
    )

    def run(self, **options: Any) -> None:
        self.say(f"{subscriptions.expire():,} subscriptions expired.")
