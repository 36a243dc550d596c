"""verify_consent [--json]"""

from typing import Any

from audiences.records.verification import lost_addresses, verify_consent
from audiences.terminal import CampaignCommand, CommandError, add_json


class Command(CampaignCommand):
    help = (
        "Prove that every flag and subscription is what the consent history says, and "
        "that the database guards the history. Exit code 0 when everything agrees."
    )
    shared = (add_json,)

    def run(self, **options: Any) -> None:
        with self.progress("Verifying") as on_progress:
            report = verify_consent(on_progress)
        report.differences += lost_addresses()
        if options["json"]:
            self.write_json(
                {
                    "consistent": report.is_consistent,
                    "differences": report.differences,
                    "missing_guards": report.missing_guards,
                    "erased_profiles": report.erased_profiles,
                }
            )
        else:
            for line in report.differences:
                self.say(line)
            for name in report.missing_guards:
                self.say(f"guard {name} is missing or altered: run migrate")
            for profile_id in report.erased_profiles:
                self.note(f"profile {profile_id} has a history and was erased")
        if not report.is_consistent:
            count = len(report.differences) + len(report.missing_guards)
            raise CommandError(f"{count} differences.")
        self.note("The history, the flags and the subscriptions agree.")
