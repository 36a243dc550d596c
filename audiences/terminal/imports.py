"""Commands that import a file: how it is read, its rejects, progress, the counts."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audiences.channels import Scope
from audiences.files import TableFile, open_file, rejects
from audiences.imports.columns import Reading
from audiences.imports.engine import Chunk, Counts, Import, Importer

from .arguments import add_json, place_of_rejects
from .command import CampaignCommand, CommandError, CommandParser


def add_dry_run(parser: CommandParser, help: str) -> None:
    parser.add_argument("--dry-run", action="store_true", help=help)


def add_strict(parser: CommandParser) -> None:
    parser.add_argument(
        "--strict", action="store_true", help="Exit 1 when a row was rejected."
    )


def add_source(parser: CommandParser, *, of: str = "a text file") -> None:
    """--encoding and --sheet, for every file that somebody made."""
    parser.add_argument(
        "--encoding",
        metavar="E",
        default="",
        help=f"The encoding of {of}, such as cp850, mac or cp1250 (default: each "
        "line UTF-8, else Windows-1252).",
    )
    parser.add_argument(
        "--sheet",
        metavar="S",
        default="",
        help="Its sheet, if it is a spreadsheet (default: the first).",
    )


def add_reading(parser: CommandParser) -> None:
    """How the columns of the file are read."""
    add_source(parser)
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
        help="Leave out columns whose name is not known, and name them. What looks "
        "like consent is refused all the same.",
    )
    parser.add_argument(
        "--ignore",
        metavar="COLUMN",
        action="append",
        default=[],
        help="Leave out this column, whatever it says; can be repeated.",
    )


def scope(text: str) -> Scope:
    """A channel, or "any"."""
    try:
        return Scope(text)
    except ValueError as error:
        known = ", ".join(Scope.values)
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {known}") from error


def reading_of(options: dict[str, Any]) -> Reading:
    """How the columns are read, of the options; raises CommandError."""
    mapping: dict[str, str] = {}
    for pair in options["map"]:
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            raise CommandError(f"--map {pair}: write NAME=COLUMN.", returncode=2)
        if name.strip() in mapping:
            raise CommandError(f"--map {pair}: {name} is given twice.", returncode=2)
        mapping[name.strip()] = column.strip()
    return Reading(
        mapping=mapping,
        ignore_unknown=options["ignore_unknown"],
        ignore=options["ignore"],
    )


class ImportCommand(CampaignCommand):
    """FILE, how it is read, --rejects and --json, and what they do."""

    rejected = "Rejected rows"
    # How lines of the rejects end. Scripts read them, so each command keeps its own.
    line_end = "\r\n"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--rejects",
            metavar="PATH",
            type=Path,
            help=f"Where {self.rejected.lower()} go (default: FILE.rejects.csv).",
        )
        add_reading(parser)
        add_json(parser)

    def import_file(
        self,
        options: dict[str, Any],
        importer: Callable[[TableFile], Importer[Any]],
        *,
        dry_run: bool = False,
        preview: bool = False,
        on_chunk: Callable[[Chunk], None] = lambda chunk: None,
    ) -> Counts:
        """Import FILE to its end; what is rejected goes to its own file."""
        file = open_file(
            options["file"], encoding=options["encoding"], sheet=options["sheet"]
        )
        reader = importer(file)
        self._tell(file, reader)
        place = place_of_rejects(file.path, options["rejects"])
        with (
            rejects.writing(place, self.line_end) as write,
            self.progress("Importing") as progress,
        ):

            def told(chunk: Chunk, counts: Counts) -> None:
                write(chunk.rejects)
                on_chunk(chunk)

            return Import(
                file=file,
                importer=reader,
                preview=preview,
                on_chunk=told,
                on_progress=lambda done: progress(done, file.size),
            ).run(dry_run=dry_run)

    def _tell(self, file: TableFile, reader: Importer[Any]) -> None:
        """What was found out about the file, before it is imported."""
        for note in file.notes:
            self.note(str(note))
        if reader.system:
            self.note(f"Read as an export of {reader.system}.")
        if reader.passed_over:
            self.note(f"Left out: {', '.join(reader.passed_over)}.")

    def report(
        self,
        options: dict[str, Any],
        counts: Counts,
        **more: Any,
    ) -> None:
        """The counts, for people or as JSON with `more`; --strict fails on rejects."""
        if options["json"]:
            self.write_json(counts | more)
        else:
            if options.get("dry_run"):
                self.say("Dry run: nothing was changed. It would be:")
            columns = [name.replace("_", " ") for name in counts]
            self.write_table(columns, [list(counts.values())])
            if counts["rejected"] or counts.get("bad_values"):
                place = place_of_rejects(options["file"], options["rejects"])
                self.note(f"{self.rejected} are in {place}")
        if options.get("strict") and counts["rejected"]:
            raise CommandError(f"{counts['rejected']:,} rows were rejected (--strict).")
