"""export_restrictions --since TIME FILE [--json]"""

from pathlib import Path
from typing import Any

from audiences.terminal import CampaignCommand, CommandParser, add_json, moment
from delivery import restrictions


class Command(CampaignCommand):
    help = (
        "Write what restricts and was recorded since a moment: opt-outs, ended "
        "subscriptions, quarantine, suppressed addresses and erasures. After a backup "
        "was restored, import_restrictions replays it. The file has addresses."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--since",
            required=True,
            type=moment,
            metavar="TIME",
            help="When the backup began, or a little earlier.",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        counts = restrictions.write(options["file"], options["since"])
        if options["json"]:
            self.write_json({"written": counts})
            return
        self.say(f"{sum(counts.values()):,} restrictions are in {options['file']}.")
        for kind, count in sorted(counts.items()):
            self.say(f"{kind}: {count:,}")
