"""verify_quarantine [--mend] [--json]"""

from typing import Any

from audiences.models import Address
from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_json
from delivery.models import QuarantineEntry
from delivery.quarantine.verification import verify_quarantine


class Command(CampaignCommand):
    help = (
        "Prove that every quarantine entry follows from its errors and actions, and "
        "that every address says what its entry says. Exit code 0 when everything "
        "agrees, or with --mend when everything was mended."
    )
    shared = (add_json,)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--mend",
            action="store_true",
            help="Put right what differs, and say what. An entry is never mended so "
            "that its address is released.",
        )

    def run(self, **options: Any) -> None:
        found = list(verify_quarantine(mend=options["mend"]))
        left = [difference for difference in found if not difference.is_mended]
        if options["json"]:
            self.write_json(
                {
                    "consistent": not left,
                    "differences": [difference.text for difference in left],
                    "mended": [d.text for d in found if d.is_mended],
                }
            )
        else:
            for difference in found:
                self.say(str(difference))
        if left:
            raise CommandError(f"{len(left):,} differences.")
        if found:
            self.note(f"{len(found):,} differences are mended.")
        entries, held = QuarantineEntry.objects.count(), Address.objects.count()
        self.note(f"The evidence, {entries:,} entries and {held:,} addresses agree.")
