"""backup [--to FOLDER] [--keep N] [--json]"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from audiences.terminal import CampaignCommand, CommandParser, add_json, number
from campaign import backups


class Command(CampaignCommand):
    help = (
        "Copy the database, as it is at one moment, into a file, and note what is in "
        "it. Whole or not at all. restore_drill proves that it can be restored. The "
        "file has everything about everybody: keep it as you keep the database, and "
        "the keys elsewhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            type=Path,
            metavar="FOLDER",
            default=settings.BACKUP_DIR,
            help="Where it goes (default: BACKUP_DIR).",
        )
        parser.add_argument(
            "--keep",
            type=number(1, 10_000),
            metavar="N",
            default=0,
            help="Remove older ones in the folder but the N newest (default: none).",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        made = backups.make(options["to"], keep=options["keep"])
        if options["json"]:
            self.write_json(asdict(made))
            return
        self.say(str(options["to"] / made.file))
        for name, count in made.facts["counts"].items():
            self.note(f"{name}: {count:,}")
        self.note(f"Newest opt-out in it: {made.facts['newest_opt_out'] or 'none'}")
