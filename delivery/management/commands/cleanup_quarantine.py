"""cleanup_quarantine"""

from typing import Any

from audiences.terminal import CampaignCommand
from delivery import quarantine


class Command(CampaignCommand):
    help = (
        "Make erroneous addresses valid again: 10 days after their last soft error, or "
        "30 when the mailbox was full. Quarantine and denylist are never released so. "
        "Run it daily."
    )

    def run(self, **options: Any) -> None:
        self.say(f"{quarantine.clean_up():,} addresses are valid again.")
