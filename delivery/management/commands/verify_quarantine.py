"""verify_quarantine [--json]"""

from typing import Any

from audiences.terminal import CampaignCommand, CommandError, add_json
from delivery.quarantine.verification import verify_quarantine


class Command(CampaignCommand):
    help = (
        "Prove that every quarantine entry follows from its errors and actions, and "
        "that every address says what its entry says. Exit code 0 when everything "
        "agrees."
    )
    shared = (add_json,)

    def run(self, **options: Any) -> None:
        differences = list(verify_quarantine())
        if options["json"]:
            self.write_json({"consistent": not differences, "differences": differences})
        else:
            for line in differences:
                self.say(line)
        if differences:
            raise CommandError(f"{len(differences):,} differences.")
        self.note("The evidence, the entries and the addresses agree.")
