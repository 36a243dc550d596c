"""Charts that the server draws: SVG with labels, and the numbers as a table.

No chart is told apart by colour alone: what is above and below the axis, patterns and
written values say the same. All geometry of the console's charts is here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise

from audiences.console.numbers import grouped, percentage

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 20, 14, 24
# The width of a bar that lies, and of charts without an axis, in units of their own.
BAR = 1000
Text = str | Promise


def length(value: float, whole: float) -> float:
    """How much of a bar the part of a whole is."""
    return round(BAR * value / whole, 2) if whole else 0.0


@dataclass(frozen=True)
class Share:
    """A number as a part of a whole, with its place in a bar after what is `before`."""

    label: Text
    count: int
    whole: int
    code: str = ""
    url: str = ""
    before: int = 0

    @property
    def start(self) -> float:
        return length(self.before, self.whole)

    @property
    def width(self) -> float:
        return length(self.count, self.whole)

    @property
    def number(self) -> str:
        return grouped(self.count)

    @property
    def share(self) -> str:
        """The percentage in words: never 0.0% for somebody."""
        return percentage(100 * self.count / self.whole if self.whole else 0.0)


def in_a_row(shares: Iterable[Share], before: int = 0) -> list[Share]:
    """The shares one behind the other in one bar."""
    placed = []
    for share in shares:
        placed.append(replace(share, before=before))
        before += share.count
    return placed


@dataclass(frozen=True)
class Bar:
    """A rectangle of a chart, and what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    part: str
    title: str


def columns(
    values: Sequence[float],
    scale: float,
    axis: float,
    *,
    titles: Sequence[str] = (),
    is_down: bool = False,
    left: float = 0,
    right: float = BAR,
    least: float = 0,
) -> list[Bar]:
    """A column for each value, standing on the axis or hanging from it.

    `scale` is the height of one; a value that is not nought is at least `least` high.
    """
    step = (right - left) / max(1, len(values))
    found = []
    for n, value in enumerate(values):
        height = max(least, value * scale) if value else 0.0
        found.append(
            Bar(
                x=round(left + n * step + step * 0.15, 1),
                y=round(axis if is_down else axis - height, 1),
                width=round(step * 0.7, 1),
                height=round(height, 1),
                part="part-2" if is_down else "part-1",
                title=titles[n] if titles else "",
            )
        )
    return found


@dataclass(frozen=True)
class Evolution:
    """Periods side by side: who came stands on the axis, who left hangs from it."""

    labels: Sequence[str]
    came: Sequence[int]
    left: Sequence[int]
    titles: Sequence[str]

    # Where the axis is; as much is above it as below it.
    middle = 100
    height = 2 * middle

    @property
    def _most(self) -> int:
        return max(1, *self.came, *self.left)

    @property
    def pairs(self) -> list[tuple[Bar, Bar]]:
        """Both columns of each period, to one scale."""
        scale = self.middle / self._most
        up = columns(self.came, scale, self.middle, titles=self.titles)
        down = columns(self.left, scale, self.middle, is_down=True)
        return list(zip(up, down, strict=True))

    @property
    def highest(self) -> str:
        return grouped(self._most)

    @property
    def sums(self) -> tuple[str, str]:
        return grouped(sum(self.came)), grouped(sum(self.left))


@dataclass(frozen=True)
class Daily:
    """A number for each day: one series up, or two, the second one below the axis."""

    title: Text
    labels: Sequence[Text]
    days: Sequence[date]
    values: Sequence[Sequence[int]]
    code: str

    @property
    def is_empty(self) -> bool:
        return not any(map(any, self.values))

    @property
    def totals(self) -> list[tuple[Text, str, str]]:
        """The label, sum and part of each series, for the legend."""
        sums = [grouped(sum(values)) for values in self.values]
        return [
            (label, total, f"part-{n}")
            for n, (label, total) in enumerate(zip(self.labels, sums, strict=True), 1)
        ]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The days that have something, newest first, for the table."""
        rows = zip(self.days, *self.values, strict=True)
        return [
            (date_format(day, "SHORT_DATE_FORMAT"), [grouped(n) for n in numbers])
            for day, *numbers in reversed(list(rows))
            if any(numbers)
        ]

    @property
    def drawing(self) -> dict[str, Any]:
        """What the chart consists of, in a box of WIDTH by HEIGHT."""
        tops = [max(values, default=0) for values in self.values]
        up, down = nice(tops[0]), nice(tops[1]) if len(tops) > 1 and tops[1] else 0
        scale = (HEIGHT - TOP - BOTTOM) / (up + down)
        axis = TOP + up * scale
        # A number without room beside the nought of the axis is left out.
        far = [(axis - up * scale, up), (axis + down * scale, down)]
        ticks = [(axis, 0), *((y, n) for y, n in far if abs(y - axis) > 12)]
        return {
            "axis": round(axis, 1),
            "ticks": [(round(y, 1), round(y + 4, 1), grouped(n)) for y, n in ticks],
            "dates": self._dates(),
            "bars": self._bars(axis, scale),
            "width": WIDTH,
            "height": HEIGHT,
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "label_y": HEIGHT - 8,
        }

    def _dates(self) -> list[tuple[float, str]]:
        step = (WIDTH - LEFT - RIGHT) / max(1, len(self.days))
        last = len(self.days) - 1
        return [
            (round(LEFT + (n + 0.5) * step, 1), date_format(day, "j M"))
            for n, day in enumerate(self.days)
            if (last - n) % 7 == 0
        ]

    def _bars(self, axis: float, scale: float) -> list[Bar]:
        days = [date_format(day, "SHORT_DATE_FORMAT") for day in self.days]
        return [
            bar
            for n, (label, values) in enumerate(
                zip(self.labels, self.values, strict=True)
            )
            for bar in columns(
                values,
                scale,
                axis,
                titles=[
                    f"{day}: {value} {label}"
                    for day, value in zip(days, values, strict=True)
                ],
                is_down=bool(n),
                left=LEFT,
                right=WIDTH - RIGHT,
                least=1.5,
            )
            if bar.height
        ]


def nice(number: int) -> int:
    """The next number that reads well on an axis: 1, 2, 3, 4, 6 or 8 with noughts."""
    size = 1
    while size * 10 < number:
        size *= 10
    return next(size * n for n in (1, 2, 3, 4, 6, 8, 10) if size * n >= number)
