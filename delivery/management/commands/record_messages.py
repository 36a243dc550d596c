"""record_messages DELIVERY FILE [--rejects PATH] [--json]"""

from pathlib import Path
from typing import Any

from audiences.files import open_file, write_csv
from audiences.terminal import CampaignCommand, CommandParser, add_delivery, add_json
from delivery import deliveries
from delivery.sending import files


class Command(CampaignCommand):
    help = (
        "Record what another system handed over: a file with the columns address, "
        "time, and if you like message_id, provider_id and profile. A message counts "
        "once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--rejects",
            metavar="PATH",
            type=Path,
            help="Where rejected rows go (default: FILE.rejects.csv).",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        result = files.record_file(delivery, open_file(options["file"]))
        rejects = options["rejects"] or Path(f"{options['file']}.rejects.csv")
        if result.rejects or rejects.exists():
            with rejects.open("w", encoding="utf-8", newline="") as file:
                rows = [[*reject, "rejected"] for reject in result.rejects]
                write_csv(file, ["row", "field", "reason", "outcome"], rows)
        counts = {
            "recorded": result.recorded,
            "unchanged": result.unchanged,
            "rejected": len(result.rejects),
        }
        if options["json"]:
            self.write_json(counts)
            return
        self.write_table(list(counts), [list(counts.values())])
        if result.rejects:
            self.note(f"Rejected rows are in {rejects}")
