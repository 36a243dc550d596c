"""send_outbox [--json]"""

from typing import Any

from audiences import outbox
from audiences.models import OutboxMail
from audiences.terminal import CampaignCommand, CommandError, add_json


class Command(CampaignCommand):
    help = (
        "Send the mails that visitors of the public pages have asked for. Celery's "
        "worker does it by itself; without one, run this each minute. Exit code 1 when "
        "the mail server cannot be reached, or when nobody knows whether a mail left."
    )
    shared = (add_json,)

    def run(self, **options: Any) -> None:
        results = outbox.send_waiting()
        rows = OutboxMail.objects.filter(result=OutboxMail.Result.UNCERTAIN)
        uncertain = list(rows.order_by("pk").values_list("pk", flat=True))
        if options["json"]:
            self.write_json({"results": dict(results), "uncertain": uncertain})
        else:
            for result, count in sorted(results.items()):
                self.say(f"{result}: {count:,}")
            for pk in uncertain:
                self.note(f"Nobody knows whether mail {pk} left; it is not sent again.")
        if results[outbox.UNREACHABLE]:
            raise CommandError("The mail server cannot be reached.")
        if results[OutboxMail.Result.UNCERTAIN]:
            raise CommandError("A hand-over was interrupted.")
