"""restore_drill [FILE] [--json]"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_json
from campaign import backups


class Command(CampaignCommand):
    help = (
        "Try a restore: a backup goes into a scratch database, its rows are compared "
        "with what was noted, it is migrated and verified, and what restricts and came "
        "after it is replayed. Says how old the newest opt-out is that would survive. "
        "The site's database is only read. Exit code 1 when anything differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            nargs="?",
            metavar="FILE",
            help="The backup (default: the newest in BACKUP_DIR).",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        path = options["file"]
        if path is None:
            found = backups.newest(settings.BACKUP_DIR)
            if found is None:
                raise CommandError(f"There is no backup in {settings.BACKUP_DIR}.")
            path = settings.BACKUP_DIR / found.file
        done = backups.drill(path, self.note)
        age = timezone.now() - done.newest_opt_out if done.newest_opt_out else None
        if options["json"]:
            self.write_json(
                {
                    "file": str(path),
                    "made_at": done.backup.made_at,
                    "newest_opt_out": done.newest_opt_out,
                    "newest_opt_out_age_seconds": age and round(age.total_seconds()),
                    "replayed": done.replayed,
                    "problems": done.problems,
                }
            )
        else:
            for problem in done.problems:
                self.say(problem)
            survives = f"is {age} old" if age else "is none"
            self.say(f"The newest opt-out that would survive {survives}.")
            self.say(
                f"{done.replayed:,} restrictions came after it and were replayed: the "
                "site's database can still be read."
            )
        if done.problems:
            raise CommandError(f"{len(done.problems)} problems: do not rely on it.")
        self.note("The restored database is whole and agrees with itself.")
