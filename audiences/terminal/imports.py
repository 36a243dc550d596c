"""Commands that import a file: its rejects, a progress bar, and the counts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from audiences.files import DelimitedFile, open_file, rejects
from audiences.imports.engine import Chunk, Counts, Import, Importer

from .arguments import add_json, place_of_rejects
from .command import CampaignCommand, CommandError, CommandParser


def add_dry_run(parser: CommandParser, help: str) -> None:
    parser.add_argument("--dry-run", action="store_true", help=help)


def add_strict(parser: CommandParser) -> None:
    parser.add_argument(
        "--strict", action="store_true", help="Exit 1 when a row was rejected."
    )


class ImportCommand(CampaignCommand):
    """FILE, --rejects and --json, and what they do."""

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
        add_json(parser)

    def import_file(
        self,
        options: dict[str, Any],
        importer: Callable[[DelimitedFile], Importer[Any]],
        *,
        dry_run: bool = False,
        preview: bool = False,
        on_chunk: Callable[[Chunk], None] = lambda chunk: None,
    ) -> Counts:
        """Import FILE to its end; what is rejected goes to its own file."""
        file = open_file(options["file"])
        reader = importer(file)
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
