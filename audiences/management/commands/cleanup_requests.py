"""cleanup_requests"""

from typing import Any

from audiences.outbox import caps as request_caps
from audiences.outbox import sending as outbox
from audiences.privacy import retention as pending_requests
from audiences.signups import proof_of_work
from audiences.signups import signups as link_requests
from audiences.terminal.command import CampaignCommand


class Command(CampaignCommand):
    help = (
        "Remove what is no longer needed of visitors of the public pages: sign-ups "
        "and subscriptions that nobody confirmed in time, rows of mails, counters of "
        "past days, used proofs of work. "
        "Celery's beat does it by itself; without it, run this each night."
    )

    def run(self, **options: Any) -> None:
        self.say(f"{link_requests.clean_up():,} sign-up requests")
        self.say(f"{pending_requests.clean_up():,} unconfirmed subscriptions")
        self.say(f"{outbox.clean_up():,} rows of mails")
        self.say(f"{request_caps.clean_up():,} counters")
        self.say(f"{proof_of_work.clean_up():,} proofs of work")
