"""import_subscriptions FILE [options]: subscriptions from a delimited file."""

from typing import Any

from audiences.files.cleaning import says_something
from audiences.imports.subscription_rows import Options
from audiences.imports.subscriptions import SubscriptionsImporter
from audiences.terminal import CommandError, CommandParser
from audiences.terminal.imports import (
    ImportCommand,
    add_dry_run,
    add_strict,
    reading_of,
)


class Command(ImportCommand):
    help = (
        "Subscribe and unsubscribe many profiles from a file: comma, semicolon or tab; "
        "UTF-8 or Windows-1252. Columns: profile (or id, external_id, email), service, "
        "action (subscribe or unsubscribe; without the column every row subscribes) "
        "and date (without it: now). Nobody who has unsubscribed is subscribed again "
        "without --revive and --note. No messages are sent. Rejected rows go to a file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_dry_run(parser, "Say what would change; change nothing.")
        add_strict(parser)
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

    def run(self, **options: Any) -> None:
        if options["revive"] and not says_something(options["note"]):
            raise CommandError("--revive needs --note.", returncode=2)
        how = Options(
            reading=reading_of(options),
            revive=options["revive"],
            note=options["note"],
            service=options["service"],
        )
        counts = self.import_file(
            options,
            lambda file: SubscriptionsImporter(file, how),
            dry_run=options["dry_run"],
        )
        self.report(
            options, counts, **({"dry_run": True} if options["dry_run"] else {})
        )
