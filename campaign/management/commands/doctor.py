"""doctor [--json] [--no-network] [--all]"""

from typing import Any

from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_json
from campaign import doctor
from campaign.doctor import Severity

_SIGNS = {
    Severity.SERIOUS: "✗",
    Severity.WARNING: "!",
    Severity.NOTE: "·",
    Severity.FINE: "✓",
}


class Command(CampaignCommand):
    help = (
        "Say what is misconfigured, missing, late or insecure about this site, each "
        "with the remedy. Changes nothing. Exit code 1 when something is serious."
    )
    needs_migrated_database = False
    # It tells what they find, with the rest.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-network", action="store_true", help="Do not ask the DNS."
        )
        parser.add_argument("--all", action="store_true", help="Also say what is fine.")
        add_json(parser)

    def run(self, **options: Any) -> None:
        found = list(doctor.examine(asks_network=not options["no_network"]))
        counts = {s: sum(f.severity is s for f in found) for s in Severity}
        if options["json"]:
            self.write_json(
                {
                    "serious": counts[Severity.SERIOUS],
                    "warnings": counts[Severity.WARNING],
                    "findings": [
                        {
                            "severity": finding.severity.value,
                            "subject": finding.subject,
                            "what": finding.what,
                            "remedy": finding.remedy,
                            "page": finding.page,
                        }
                        for finding in found
                    ],
                }
            )
        else:
            for severity in _SIGNS:
                if severity is Severity.FINE and not options["all"]:
                    continue
                self._tell([f for f in found if f.severity is severity])
            self.note(f"{counts[Severity.FINE]} things are fine.")
        if counts[Severity.SERIOUS]:
            raise CommandError(f"{counts[Severity.SERIOUS]} serious findings.")

    def _tell(self, found: list[doctor.Finding]) -> None:
        for finding in found:
            self.say(f"{_SIGNS[finding.severity]} {finding.subject}: {finding.what}")
            if finding.remedy:
                self.say(f"    {finding.remedy}")
            if finding.page:
                self.say(f"    {finding.page}")
