"""How commands speak: results on stdout, everything else on stderr, honest exit codes.

Exit codes: 0 done, 1 not done, 2 wrong usage. With --json stdout is one JSON object and
nothing else. Cells of CSV files that a spreadsheet would compute are escaped.
"""

import argparse
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

from django.core.checks import Tags
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import translation
from rich.console import Console, JustifyMethod
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from audiences.files import write_csv
from audiences.refusals import Refused, shortened

from . import failures

__all__ = ["CampaignCommand", "CommandError", "CommandParser"]


class CampaignCommand(BaseCommand):
    """A command over domain functions.

    Subclasses write `run`. A refusal of the domain becomes one clear line and exit
    code 1; so does a database that is down. It speaks English.
    """

    needs_migrated_database = True
    # What the settings say is checked each time; the code and its pages by `check`. To
    # find all pages takes longer than most commands.
    requires_system_checks = [Tags.compatibility, Tags.security]
    # Arguments that several commands have, in their order (`audiences.terminal`).
    shared: tuple[Callable[[CommandParser], None], ...] = ()
    _bar: Progress | None = None

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        _refuse_briefly(parser)
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        for add in self.shared:
            add(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        # Scripts read what commands print, so it is English in every site language.
        with translation.override("en"):
            try:
                _refuse_broken_text(options)
                self._handle(**options)
            except CommandError as error:
                told = shortened(str(error), _flat(options.values()))
                raise CommandError(told, returncode=error.returncode) from error

    def _handle(self, **options: Any) -> None:
        try:
            if self.needs_migrated_database:
                _require_migrations()
            self.run(**options)
        except BrokenPipeError:
            # The reader of our output has seen enough (`… | head`).
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except ValidationError as error:
            raise CommandError(_sentences(error)) from error
        except Refused as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            _tell(error, failures.of_machine(error))
        except (DatabaseError, InterfaceError) as error:
            _tell(error, failures.of_database(error))

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    # ---------------------------------------------------------------- output
    def say(self, text: str) -> None:
        """A result, for people."""
        self._hide_bar()
        self.stdout.write(text)

    def note(self, text: str) -> None:
        """A message besides the result, never on stdout."""
        self._hide_bar()
        self.stderr.write(text, self.style.NOTICE)

    def _hide_bar(self) -> None:
        if self._bar:
            self._bar.stop()

    def write_json(self, data: dict[str, Any]) -> None:
        """The result, for programs; moments as in RFC 3339, with their offset."""
        self.stdout.write(json.dumps(data, ensure_ascii=False, default=_in_json))

    def write_table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = ""
    ) -> None:
        """A table for people, with numbers aligned right."""
        table = Table(title=title or None, title_justify="left", title_style="bold")
        rows = [list(row) for row in rows]
        for position, column in enumerate(columns):
            numeric = rows and all(isinstance(r[position], int | float) for r in rows)
            justify: JustifyMethod = "right" if numeric else "left"
            table.add_column(column, justify=justify, overflow="fold")
        for row in rows:
            table.add_row(*map(_cell, row))
        stream = cast(TextIO, Stream(self.stdout))
        width = None if sys.stdout.isatty() else 100
        console = Console(file=stream, width=width, highlight=False)
        console.print(table, markup=False)

    def write_csv(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        write_csv(Stream(self.stdout), columns, rows)

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """A progress bar on stderr, when that is a terminal.

        Yields a function that takes the amount done and the total. What is said
        meanwhile takes the place of the bar, which comes back below it.
        """
        console = Console(file=sys.stderr)
        bar = self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        task = bar.add_task(title, total=None)

        def show(done: int, total: int) -> None:
            bar.start()
            bar.update(task, completed=done, total=total)

        bar.start()
        try:
            yield show
        finally:
            bar.stop()


class Stream(io.TextIOBase):
    """Django's output wrapper adds line ends; tables and CSV bring their own."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper

    def write(self, text: str) -> int:
        self._wrapper.write(text, ending="")
        return len(text)

    def flush(self) -> None:
        self._wrapper.flush()


def _tell(error: Exception, told: CommandError | None) -> NoReturn:
    """In words where there are any; else it is ours, and its traceback is needed."""
    if told is None:
        raise error
    raise told from error


def _in_json(value: Any) -> str:
    """What JSON has no type for; `str` would write a moment with a space."""
    return value.isoformat() if isinstance(value, date) else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if is_number else str(value)


def _refuse_briefly(parser: CommandParser) -> None:
    """Let what it says of wrong usage repeat no long argument."""
    parse, refuse = parser.parse_args, parser.error
    given: list[str] = []

    def parse_args(args: Any = None, namespace: Any = None) -> Any:
        given[:] = sys.argv[1:] if args is None else args
        return parse(args, namespace)

    def error(message: str) -> Any:
        refuse(shortened(message, given))

    parser.parse_args = parse_args  # type: ignore[method-assign]
    parser.error = error  # type: ignore[method-assign]


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    """Each value that options hold, also those that were given several times."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from value
        elif isinstance(value, str | Path):
            yield value


def _refuse_broken_text(options: dict[str, Any]) -> None:
    """What the shell gave in another encoding than UTF-8; file names may be so."""
    for name, value in options.items():
        for text in _flat([value]):
            if isinstance(text, str) and not name.startswith("file"):
                try:
                    text.encode()
                except UnicodeEncodeError as error:
                    raise CommandError(
                        f"{name} is not UTF-8: {text!a}. Set the terminal to UTF-8 "
                        "(LANG=C.UTF-8)."
                    ) from error


def _require_migrations() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise CommandError(
            f"The database lacks {len(plan)} migrations: run python manage.py migrate."
        )


def _sentences(error: ValidationError) -> str:
    if hasattr(error, "message_dict"):
        return " ".join(
            f"{name}: {' '.join(messages)}"
            for name, messages in error.message_dict.items()
        )
    return " ".join(error.messages)


@contextmanager
def stop_on_interrupt() -> Iterator[Any]:
    """Let Ctrl-C ask for a stop; the second one interrupts.

    Yields a function that tells whether a stop was requested.
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
    """The content of a JSON file; raises Refused, which locates an error."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"{path}: {error}") from error
