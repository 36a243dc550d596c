"""What the demo says in the terminal: little, in grey, and one box."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from delivery import analysis
from delivery.demo.mailbox import Mail

# As wide as the narrowest terminal that people have.
WIDTH = 80
# More mails than this within a second are told in one line.
_ONE_BY_ONE = 5
_CALM = 2.0


def step(console: Console, text: str) -> None:
    """What is being done, for whoever watches; a file needs no such lines."""
    if console.is_terminal:
        console.print(f"{text} …", style=_grey(console), markup=False, highlight=False)


def report(console: Console, found: analysis.Report) -> None:
    """Who gets the demo's delivery, and how many each rule excludes."""
    lines = [
        ("Targeted", found.targeted),
        *((f"  {line.label}", -line.count) for line in found.causes if line.count),
        ("To deliver", found.to_deliver),
    ]
    for name, count in lines:
        text = f"  {name:<36}{count:>8,}"
        console.print(text, style=_grey(console), markup=False, highlight=False)


def _grey(console: Console) -> str:
    return "bright_black" if console.is_terminal else ""


def box(
    console: Console, rows: Sequence[tuple[str, str]], words: Sequence[str]
) -> None:
    """The one thing to read: names with what they are, and some sentences."""
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    for sentence in words:
        table.add_row("", Text(sentence))
    console.print(Panel(table, title="Campaign", width=min(WIDTH, console.width)))


class MailLines:
    """A line for each mail that arrives; of many at once, how many there were."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._second, self._in_it = 0, 0
        self._untold, self._last = 0, 0.0

    def tell(self, mail: Mail) -> None:
        with self._lock:
            self._last = time.monotonic()
            if int(self._last) != self._second:
                self._second, self._in_it = int(self._last), 0
            self._in_it += 1
            if self._untold or self._in_it > _ONE_BY_ONE:
                self._untold += 1
                return
        self._say(f"Mail to {mail.recipient}: {mail.subject}")

    def sum_up(self) -> None:
        """Once no more arrive: how many were not told one by one."""
        with self._lock:
            if not self._untold or time.monotonic() - self._last < _CALM:
                return
            count, self._untold = self._untold, 0
        self._say(f"… and {count:,} more mails")

    def _say(self, text: str) -> None:
        line = text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
        self._console.print(
            line, style=_grey(self._console), markup=False, highlight=False
        )


@contextmanager
def mail_lines(console: Console) -> Iterator[MailLines]:
    """`MailLines` that sum up by themselves."""
    lines, over = MailLines(console), threading.Event()

    def watch() -> None:
        while not over.wait(1):
            lines.sum_up()

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield lines
    finally:
        over.set()
