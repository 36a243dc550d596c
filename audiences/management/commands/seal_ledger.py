"""seal_ledger [--wait SECONDS] [--json]"""

from typing import Any

from audiences import ledger
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_json,
    number,
)


class Command(CampaignCommand):
    help = (
        "Seal into the ledger what was committed since the last time; a worker does it "
        "each minute. The first time seals all that is there, as found. What was "
        "written while another transaction of the database server is still open is "
        "waited for. Exit code 1 when something could not be sealed in that time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait",
            type=number(0, 3600),
            default=30,
            metavar="SECONDS",
            help="How long to wait for transactions that are open (default: 30).",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        with self.progress("Sealing") as on_progress:
            sealed, is_complete = ledger.seal_all(
                options["wait"], lambda count: on_progress(count, count)
            )
        self._report(sealed, options)
        if not is_complete:
            raise CommandError(
                "Not everything could be sealed: another process is sealing, or a "
                "transaction of this database server is still open. Try again later."
            )

    def _report(self, sealed: Any, options: dict[str, Any]) -> None:
        behind = round(ledger.lag().total_seconds())
        if options["json"]:
            self.write_json(
                {"sealed": sealed.leaves, "leaves": sealed.size, "lag_seconds": behind}
            )
        else:
            self.say(f"{sealed.leaves:,} leaves sealed; there are {sealed.size:,} now.")
