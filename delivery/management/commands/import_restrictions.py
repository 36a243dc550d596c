"""import_restrictions FILE [--json]"""

from pathlib import Path
from typing import Any

from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_json
from delivery import restrictions


class Command(CampaignCommand):
    help = (
        "Replay a file of export_restrictions after a restore. It only restricts, and "
        "may be repeated. The addresses of people whom this database does not know are "
        "suppressed. Exit code 1 when a line could not be applied; the others are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        add_json(parser)

    def run(self, **options: Any) -> None:
        with self.progress("Replaying") as on_progress:
            found = restrictions.replay(options["file"], on_progress)
        if options["json"]:
            names = ("line", "field", "reason")
            problems = [dict(zip(names, bad, strict=True)) for bad in found.problems]
            self.write_json(
                {
                    "changed": found.changed,
                    "unchanged": found.unchanged,
                    "suppressed": found.suppressed,
                    "problems": problems,
                }
            )
        else:
            for kind, count in sorted(found.changed.items()):
                self.say(f"{kind}: {count:,} applied")
            self.say(f"{found.unchanged:,} held already.")
            if found.suppressed:
                self.say(
                    f"{found.suppressed:,} addresses of unknown people suppressed."
                )
            for line, field, reason in found.problems:
                self.note(f"line {line}{f', {field}' if field else ''}: {reason}")
        if found.problems:
            raise CommandError(f"{len(found.problems):,} lines could not be applied.")
