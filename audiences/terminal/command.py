"""How commands speak: results on stdout, everything else on stderr, honest exit codes.

Exit codes: 0 done, 1 not done, 2 wrong usage. With --json stdout is one JSON object and
nothing else. Cells of CSV files that a spreadsheet would compute are escaped.
"""

import argparse
import csv
import io
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone, translation
from django.utils.dateparse import parse_date, parse_datetime
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from audiences.channels import ANY, Channel
from audiences.imports.people_rows import FORMULA
from audiences.refusals import Refused

__all__ = ["CampaignCommand", "CommandError", "CommandParser"]


class CampaignCommand(BaseCommand):
    """A command over domain functions.

    Subclasses write `run`. What the domain refuses becomes one clear line and exit
    code 1; so does a database that is away. It speaks English.
    """

    needs_migrated_database = True

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        # Scripts read what commands print: it is English, whatever the site speaks.
        with translation.override("en"):
            self._handle(**options)

    def _handle(self, **options: Any) -> None:
        try:
            if self.needs_migrated_database:
                _require_migrations()
            self.run(**options)
        except BrokenPipeError:
            # Whoever reads our output has seen enough (`… | head`).
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except ValidationError as error:
            raise CommandError(_sentences(error)) from error
        except Refused as error:
            raise CommandError(str(error)) from error
        except (OperationalError, InterfaceError) as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise CommandError(
                f"The database failed: {said}. See that it runs, and that DATABASE_URL "
                "names it; then try again."
            ) from error

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    # ---------------------------------------------------------------- output
    def say(self, text: str) -> None:
        """A result, for people."""
        self.stdout.write(text)

    def note(self, text: str) -> None:
        """A message beside the result: never on stdout."""
        self.stderr.write(text, self.style.NOTICE)

    def write_json(self, data: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(data, ensure_ascii=False, default=str))

    def write_table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = ""
    ) -> None:
        """A table for people; numbers are to the right."""
        table = Table(title=title or None, title_justify="left", title_style="bold")
        rows = [list(row) for row in rows]
        for position, column in enumerate(columns):
            numeric = rows and all(isinstance(r[position], int | float) for r in rows)
            table.add_column(column, justify="right" if numeric else "left")
        for row in rows:
            table.add_row(*(_cell(value) for value in row))
        stream = cast(TextIO, _Stream(self.stdout))
        console = Console(file=stream, width=_width(), highlight=False)
        console.print(table, markup=False)

    def write_csv(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        write_csv(_Stream(self.stdout), columns, rows)

    @contextmanager
    def progress(self, title: str) -> Iterator["Bar"]:
        """A progress bar on stderr, when that is a terminal."""
        console = Console(file=sys.stderr)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns, console=console, disable=not console.is_terminal
        ) as bar:
            yield Bar(bar, bar.add_task(title, total=None))


def _require_migrations() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise CommandError(
            f"The database lacks {len(plan)} migrations: run python manage.py migrate."
        )


class Bar:
    """A progress bar that is told how much is done of how much."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress, self._task = progress, task

    def update(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)


class _Stream(io.TextIOBase):
    """Django's output wrapper adds line ends; tables and CSV bring their own."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper

    def write(self, text: str) -> int:
        self._wrapper.write(text, ending="")
        return len(text)

    def flush(self) -> None:
        self._wrapper.flush()


def _width() -> int | None:
    return None if sys.stdout.isatty() else 100


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _sentences(error: ValidationError) -> str:
    if hasattr(error, "message_dict"):
        return " ".join(
            f"{name}: {' '.join(messages)}"
            for name, messages in error.message_dict.items()
        )
    return " ".join(error.messages)


def write_csv(
    stream: TextIO | Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write a CSV file that no spreadsheet runs: = + - @ first are escaped."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(safe_cells(row))


def safe_cells(row: Sequence[Any]) -> list[Any]:
    """The cells with an apostrophe before what a spreadsheet would compute."""
    return [
        f"'{cell}" if isinstance(cell, str) and cell[:1] in FORMULA else cell
        for cell in row
    ]


@contextmanager
def stop_on_interrupt() -> Iterator[Any]:
    """Let Ctrl-C ask for a stop instead of breaking off; the second one breaks off.

    Yields a function that tells whether a stop was asked for.
    """
    asked = False

    def ask(signum: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    try:
        previous = signal.signal(signal.SIGINT, ask)
    except ValueError:  # not in the main thread: nobody presses Ctrl-C there
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, previous)


def read_json(path: Path) -> Any:
    """The content of a JSON file; raises Refused that names the place of an error."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"{path}: {error}") from error


# -------------------------------------------------------------------- arguments
def add_channel(parser: CommandParser, **kwargs: Any) -> None:
    parser.add_argument(
        "--channel", choices=Channel.values, help="The channel.", **kwargs
    )


def add_scope(parser: CommandParser) -> None:
    """--channel C or --any, one of them."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--channel", dest="scope", choices=Channel.values)
    group.add_argument(
        "--any",
        dest="scope",
        action="store_const",
        const=ANY,
        help="Any channel: the flag that stops everything.",
    )


def add_json(parser: CommandParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="One JSON object on stdout, nothing else."
    )


def add_profile(parser: CommandParser) -> None:
    parser.add_argument(
        "profile",
        metavar="PROFILE",
        help="An id, an external id or an address; id:, ext: and addr: say which.",
    )


def add_delivery(parser: CommandParser) -> None:
    parser.add_argument(
        "delivery",
        metavar="DELIVERY",
        help="An id or the exact label; id: and label: say which.",
    )


def moment(text: str) -> datetime:
    """An argument that is a date or a time (ISO 8601); local unless it says."""
    try:
        parsed = parse_datetime(text)
        if parsed is None:
            day = parse_date(text)
            parsed = datetime.combine(day, time()) if day else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time such as 2026-05-01 or 2026-05-01T14:30+02:00"
        )
    return _local(parsed, text)


def end_moment(text: str) -> datetime:
    """Like `moment`; a date alone is the last moment of its day."""
    parsed = moment(text)
    if len(text) > len("2026-05-01"):
        return parsed
    return parsed.replace(hour=23, minute=59, second=59, microsecond=999_999)


def _local(parsed: datetime, text: str) -> datetime:
    """The moment with its zone; refuses what no database can keep."""
    try:
        aware = parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed)
        aware.astimezone(UTC)
    except OverflowError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is outside the calendar") from error
    return aware
