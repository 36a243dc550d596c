"""import_quarantine FILE [--channel C] [--dry-run] [--rejects PATH] [--json]"""

from pathlib import Path
from typing import Any

from audiences.files import open_file, write_csv
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_channel,
    add_json,
)
from delivery.quarantine import files


class Command(CampaignCommand):
    help = (
        "Put addresses from a file into quarantine. Columns: channel, address, and if "
        "you like status, reason, type, text, error_count, first_error_at, "
        "last_error_at. A file never lowers a status."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        add_channel(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would change."
        )
        parser.add_argument(
            "--rejects",
            metavar="PATH",
            type=Path,
            help="Where rejected rows go (default: FILE.rejects.csv).",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        rejects = options["rejects"] or Path(f"{options['file']}.rejects.csv")
        if rejects.resolve() == options["file"].resolve():
            raise CommandError("--rejects is the file itself.", returncode=2)
        result = files.import_file(
            open_file(options["file"]),
            channel=options["channel"],
            dry_run=options["dry_run"],
            source="import",
        )
        if result.rejects or rejects.exists():
            _write_rejects(rejects, result.rejects)
        counts = {
            "changed": result.changed,
            "unchanged": result.unchanged,
            "rejected": len(result.rejects),
        }
        if options["json"]:
            self.write_json(counts | {"dry_run": options["dry_run"]})
        else:
            self.write_table(list(counts), [list(counts.values())])
            if result.rejects:
                self.note(f"Rejected rows are in {rejects}")


def _write_rejects(path: Path, rejects: list[tuple[int, str, str]]) -> None:
    rows = [[*reject, "rejected"] for reject in rejects]
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            write_csv(file, ["row", "field", "reason", "outcome"], rows)
    except OSError as error:
        raise CommandError(
            f"The good rows are imported, but {path} cannot be written: "
            f"{error.strerror}"
        ) from error
