"""import_subscriptions FILE [options]: subscriptions from a delimited file."""

from pathlib import Path
from typing import Any

from audiences import files
from audiences.files import rejects as reject_files
from audiences.imports import subscription_rows, subscriptions
from audiences.imports.subscriptions import Listeners, Options
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_json,
    place_of_rejects,
)


class Command(CampaignCommand):
    help = (
        "Subscribe and unsubscribe many profiles from a file: comma, semicolon or tab; "
        "UTF-8 or Windows-1252. Columns: profile (or id, external_id, email), service, "
        "action (subscribe or unsubscribe; without the column every row subscribes) "
        "and date (without it: now). Nobody who has unsubscribed is subscribed again "
        "without --revive and --note. No messages are sent. Rejected rows go to a file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Say what would change; change nothing.",
        )
        parser.add_argument(
            "--rejects",
            metavar="PATH",
            type=Path,
            help="Where rejected rows go (default: FILE.rejects.csv).",
        )
        parser.add_argument(
            "--strict", action="store_true", help="Exit 1 when a row was rejected."
        )
        parser.add_argument(
            "--service",
            metavar="SLUG",
            default="",
            help="The service of every row, for a file without that column.",
        )
        parser.add_argument(
            "--revive",
            action="store_true",
            help="Subscribe also who has unsubscribed; needs --note.",
        )
        parser.add_argument(
            "--note", default="", help="How they asked for it; kept with the history."
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        if options["revive"] and not options["note"].strip():
            raise CommandError("--revive needs --note.", returncode=2)
        file = files.open_file(options["file"])
        columns = subscription_rows.read_header(file.header, service=options["service"])
        rejects = place_of_rejects(file.path, options["rejects"])
        with (
            reject_files.writing(rejects) as write,
            self.progress("Importing") as bar,
        ):
            counts = subscriptions.import_subscriptions(
                file,
                columns,
                Options(
                    dry_run=options["dry_run"],
                    revive=options["revive"],
                    note=options["note"],
                    service=options["service"],
                ),
                Listeners(
                    on_reject=lambda row, problem: write(row.line, problem, "rejected"),
                    on_progress=lambda done: bar.update(done, file.size),
                ),
            )
        self._report(vars(counts), rejects, options)
        if options["strict"] and counts.rejected:
            raise CommandError(f"{counts.rejected:,} rows were rejected (--strict).")

    def _report(
        self, counts: dict[str, int], rejects: Path, options: dict[str, Any]
    ) -> None:
        if options["json"]:
            more = {"dry_run": True} if options["dry_run"] else {}
            self.write_json({**counts, **more})
            return
        if options["dry_run"]:
            self.say("Dry run: nothing was changed. It would be:")
        self.write_table(list(counts), [list(counts.values())])
        if counts["rejected"]:
            self.note(f"Rejected rows are in {rejects}")
