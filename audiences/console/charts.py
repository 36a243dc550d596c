"""Charts that the server draws: SVG with labels, and the numbers as a table.

No chart is told apart by colour alone: what is above and below the axis, patterns and
written values say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 20, 14, 24
Text = str | Promise


@dataclass(frozen=True)
class Bar:
    """A rectangle of a chart, and what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    part: str
    title: str


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
        sums = [number_format(sum(v), force_grouping=True) for v in self.values]
        return [
            (label, total, f"part-{n}")
            for n, (label, total) in enumerate(zip(self.labels, sums, strict=True), 1)
        ]

    @property
    def columns(self) -> Sequence[Text]:
        return self.labels

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The days that have something, newest first, for the table."""
        rows = zip(self.days, *self.values, strict=True)
        return [
            (
                date_format(day, "SHORT_DATE_FORMAT"),
                [number_format(n, force_grouping=True) for n in numbers],
            )
            for day, *numbers in reversed(list(rows))
            if any(numbers)
        ]

    @property
    def drawing(self) -> dict[str, Any]:
        """Bars, lines and labels in a box of WIDTH by HEIGHT."""
        tops = [max(values, default=0) for values in self.values]
        up, down = nice(tops[0]), nice(tops[1]) if len(tops) > 1 and tops[1] else 0
        scale = (HEIGHT - TOP - BOTTOM) / (up + down)
        axis = TOP + up * scale
        # A number without room beside the nought of the axis is left out.
        far = [(axis - up * scale, up), (axis + down * scale, down)]
        ticks = [(axis, 0), *((y, n) for y, n in far if abs(y - axis) > 12)]
        return {
            "width": WIDTH,
            "height": HEIGHT,
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "axis": round(axis, 1),
            "label_y": HEIGHT - 8,
            "ticks": [
                (round(y, 1), round(y + 4, 1), number_format(n, force_grouping=True))
                for y, n in ticks
            ],
            "dates": self._dates(),
            "bars": self._bars(axis, scale),
        }

    def _step(self) -> float:
        return (WIDTH - LEFT - RIGHT) / max(1, len(self.days))

    def _dates(self) -> list[tuple[float, str]]:
        step = self._step()
        last = len(self.days) - 1
        return [
            (round(LEFT + (n + 0.5) * step, 1), date_format(day, "j M"))
            for n, day in enumerate(self.days)
            if (last - n) % 7 == 0
        ]

    def _bars(self, axis: float, scale: float) -> list[Bar]:
        step = self._step()
        bars = []
        for series, values in enumerate(self.values):
            for n, value in enumerate(values):
                if not value:
                    continue
                height = max(1.5, value * scale)
                day = date_format(self.days[n], "SHORT_DATE_FORMAT")
                bars.append(
                    Bar(
                        x=round(LEFT + n * step + step * 0.15, 1),
                        y=round(axis if series else axis - height, 1),
                        width=round(step * 0.7, 1),
                        height=round(height, 1),
                        part=f"part-{series + 1}",
                        title=f"{day}: {value} {self.labels[series]}",
                    )
                )
        return bars


def nice(number: int) -> int:
    """The next number that reads well on an axis: 1, 2, 3, 4, 6 or 8 with noughts."""
    size = 1
    while size * 10 < number:
        size *= 10
    return next(size * n for n in (1, 2, 3, 4, 6, 8, 10) if size * n >= number)
