"""import_profiles FILE [options]: profiles from a delimited file."""

from typing import Any

from audiences.files.cleaning import says_something
from audiences.imports.engine import Chunk, StateChange
from audiences.imports.people import PeopleImporter
from audiences.imports.people_options import Options
from audiences.terminal import CommandError, CommandParser
from audiences.terminal.imports import (
    ImportCommand,
    add_dry_run,
    add_strict,
    reading_of,
    scope,
)

# In JSON the changes of state of a dry run are listed up to here, and always counted.
MOST_LISTED = 10_000


class Command(ImportCommand):
    rejected = "Rejected rows and bad values"
    help = (
        "Import profiles from a file: comma, semicolon or tab; UTF-8 or Windows-1252. "
        "A row with an external id is that person, a row without one is the person "
        "with that primary email. Blank cells leave what is there. Columns that say "
        "no_longer_contact opt people out; nothing opts anybody in without "
        "--allow-opt-in and --note. Rejected rows and bad values go to a file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_dry_run(
            parser, "Say what would change, including whose state; change nothing."
        )
        add_strict(parser)
        parser.add_argument(
            "--update-only",
            action="store_true",
            help="Create nobody: unknown people are rejected.",
        )
        parser.add_argument(
            "--all-opted-out",
            metavar="C|any",
            type=scope,
            help="Whoever is in this file has opted out of the channel, or of any.",
        )
        parser.add_argument(
            "--allow-opt-in",
            action="store_true",
            help="Let no in a no_longer_contact column opt people in; needs --note.",
        )
        parser.add_argument(
            "--note", default="", help="How they asked for it; kept with the history."
        )

    def run(self, **options: Any) -> None:
        if options["allow_opt_in"] and not says_something(options["note"]):
            raise CommandError("--allow-opt-in needs --note.", returncode=2)
        dry_run, as_json = options["dry_run"], options["json"]
        how = Options(
            reading=reading_of(options),
            all_opted_out=options["all_opted_out"],
            update_only=options["update_only"],
            allow_opt_in=options["allow_opt_in"],
            note=options["note"],
        )
        changes: list[StateChange] = []

        def on_chunk(chunk: Chunk) -> None:
            """Tell or collect what a dry run would do; a real run is not told twice."""
            if dry_run and as_json:
                changes.extend(chunk.state_changes)
            elif dry_run:
                for change in chunk.state_changes:
                    self.say(_as_text(change))

        counts = self.import_file(
            options,
            lambda file: PeopleImporter(file, how),
            dry_run=dry_run,
            on_chunk=on_chunk,
        )
        more: dict[str, Any] = {}
        if dry_run:
            more["dry_run"] = True
            more["state_changes"] = [_as_json(c) for c in changes[:MOST_LISTED]]
            more["state_changes_total"] = len(changes)
        self.report(options, counts, **more)


def _as_text(change: StateChange) -> str:
    who = f"profile {change.profile_id}"
    if change.external_id:
        who += f" ({change.external_id})"
    act = "opted out of" if change.opted_out else "opted in to"
    return f"row {change.line}: {who} would be {act} {change.scope.label.lower()}"


def _as_json(change: StateChange) -> dict[str, Any]:
    return {
        "row": change.line,
        "profile": change.profile_id,
        "external_id": change.external_id or None,
        "channel": str(change.scope),
        "change": "opt_out" if change.opted_out else "opt_in",
    }
