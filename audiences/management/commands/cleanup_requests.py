"""cleanup_requests"""

from typing import Any

from audiences import privacy
from audiences.console import allowances
from audiences.console.sign_in import sessions
from audiences.outbox import caps, queue as rows
from audiences.signups import proof_of_work, requesting
from audiences.terminal import CampaignCommand


class Command(CampaignCommand):
    help = (
        "Remove what is no longer needed of visitors of the public pages: sign-ups "
        "and subscriptions that nobody confirmed in time, rows of mails, counters of "
        "past days, used proofs of work; and of operators: sign-ins that have ended. "
        "Celery's beat does it by itself; without it, run this each night."
    )

    def run(self, **options: Any) -> None:
        self.say(f"{requesting.clean_up():,} sign-up requests")
        self.say(f"{privacy.clean_up():,} unconfirmed subscriptions")
        self.say(f"{rows.clean_up():,} rows of mails")
        self.say(f"{caps.clean_up():,} counters")
        self.say(f"{proof_of_work.clean_up():,} proofs of work")
        self.say(f"{allowances.clean_up():,} counters of tries")
        self.say(f"{sessions.clean_up():,} sign-ins that have ended")
