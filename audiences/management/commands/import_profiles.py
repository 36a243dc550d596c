"""import_profiles FILE [options]: profiles from a delimited file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from audiences import files
from audiences.files import rejects as reject_files
from audiences.imports import people, people_rows
from audiences.imports.people import Counts, Listeners, Options, StateChange
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_json,
    place_of_rejects,
)

# In JSON the changes of state of a dry run are listed up to here, and always counted.
MOST_LISTED = 10_000


class Command(CampaignCommand):
    help = (
        "Import profiles from a file: comma, semicolon or tab; UTF-8 or Windows-1252. "
        "A row with an external id is that person, a row without one is the person "
        "with that primary email. Blank cells leave what is there. Columns that say "
        "no_longer_contact opt people out; nothing opts anybody in without "
        "--allow-opt-in and --note. Rejected rows and bad values go to a file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Say what would change, including whose state; change nothing.",
        )
        parser.add_argument(
            "--rejects",
            metavar="PATH",
            type=Path,
            help="Where rejected rows and bad values go (default: FILE.rejects.csv).",
        )
        parser.add_argument(
            "--strict", action="store_true", help="Exit 1 when a row was rejected."
        )
        parser.add_argument(
            "--map",
            metavar="NAME=COLUMN",
            action="append",
            default=[],
            help="What a column of the file means; can be repeated.",
        )
        parser.add_argument(
            "--ignore-unknown",
            action="store_true",
            help="Leave out columns whose name is not known.",
        )
        parser.add_argument(
            "--allow-opt-in",
            action="store_true",
            help="Let no in a no_longer_contact column opt people in; needs --note.",
        )
        parser.add_argument(
            "--note", default="", help="How they asked for it; kept with the history."
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        if options["allow_opt_in"] and not options["note"].strip():
            raise CommandError("--allow-opt-in needs --note.", returncode=2)
        file = files.open_file(options["file"])
        columns = people_rows.read_header(
            file.header,
            _mapping(options["map"]),
            ignore_unknown=options["ignore_unknown"],
        )
        rejects = place_of_rejects(file.path, options["rejects"])
        changes: list[StateChange] = []
        with (
            reject_files.writing(rejects) as write,
            self.progress("Importing") as bar,
        ):
            counts = people.import_profiles(
                file,
                columns,
                Options(
                    dry_run=options["dry_run"],
                    allow_opt_in=options["allow_opt_in"],
                    note=options["note"],
                ),
                Listeners(
                    on_reject=lambda row, *rest: write(row.line, *rest),
                    on_state_change=self._on_state_change(changes, options),
                    on_progress=lambda done: bar.update(done, file.size),
                ),
            )
        self._report(counts, changes, rejects, options)
        if options["strict"] and counts.rejected:
            raise CommandError(f"{counts.rejected:,} rows were rejected (--strict).")

    def _on_state_change(
        self, changes: list[StateChange], options: dict[str, Any]
    ) -> Callable[[StateChange], None]:
        """Tell or collect what a dry run would do; a real run is not told twice."""
        if not options["dry_run"]:
            return lambda change: None
        if options["json"]:
            return changes.append
        return lambda change: self.say(_as_text(change))

    def _report(
        self,
        counts: Counts,
        changes: list[StateChange],
        rejects: Path,
        options: dict[str, Any],
    ) -> None:
        if options["json"]:
            data: dict[str, Any] = dict(vars(counts))
            if options["dry_run"]:
                data["dry_run"] = True
                data["state_changes"] = [_as_json(c) for c in changes[:MOST_LISTED]]
                data["state_changes_total"] = len(changes)
            self.write_json(data)
            return
        if options["dry_run"]:
            self.say("Dry run: nothing was changed. It would be:")
        self.write_table(
            ["created", "updated", "unchanged", "rejected", "bad values"],
            [list(vars(counts).values())],
        )
        if counts.rejected or counts.bad_values:
            self.note(f"Rejected rows and bad values are in {rejects}")


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            raise CommandError(f"--map {pair}: write NAME=COLUMN.", returncode=2)
        if name.strip() in mapping:
            raise CommandError(f"--map {pair}: {name} is given twice.", returncode=2)
        mapping[name.strip()] = column.strip()
    return mapping


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
