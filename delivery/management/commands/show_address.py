"""show_address ADDRESS --channel C [--json]"""

from typing import Any

from audiences.terminal import CampaignCommand, CommandParser, add_channel, add_json
from delivery import quarantine


class Command(CampaignCommand):
    help = "Show the quarantine entry of an address, its errors, and who has it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        add_channel(parser, required=True)
        add_json(parser)

    def run(self, **options: Any) -> None:
        known = quarantine.describe(options["channel"], options["address"])
        if options["json"]:
            self.write_json(known)
            return
        entry = known["entry"] or {"status": "valid (no entry)"}
        self.write_table([known["key"], ""], [(k, v) for k, v in entry.items()])
        for part in ("errors", "actions", "profiles"):
            rows: list[dict[str, Any]] = known[part]
            if rows:
                values = [[str(v or "") for v in row.values()] for row in rows]
                self.write_table(list(rows[0]), values, title=part.capitalize())
            else:
                self.say(f"{part.capitalize()}: none.")
