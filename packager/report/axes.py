"""Two axes with their ticks, names and legend, around what a figure draws by its values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packager.report.drawing import FONT_SIZE, Drawing, Place, text_width

_SMALL = 8.5  # font size of the legend
_GAP = 4.0  # between what stands side by side
_LINE = 1.35 * FONT_SIZE
_SAMPLE = 16.0  # length of a legend's line


@dataclass(frozen=True)
class Scale:
    """Which values an axis has, from `low` to `high`, and the (value, label) of its ticks."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low)


@dataclass(frozen=True)
class Key:
    """A line of a legend: what has this colour, dash or marker."""

    label: str
    colour: str
    dash: str | None = None
    marker: str = ""
    radius: float = 2.0


def scale(
    values: Iterable[float], *, margin: float = 0.05, low: float | None = None,
    high: float | None = None, whole: bool = False, ticks: int = 7,
) -> Scale:  # fmt: skip
    """From the least to the greatest value, with a margin (a share of that) where no end is given.

    With `whole` only whole numbers have ticks, of which there are at most `ticks`.
    """
    known = list(values)
    least = min(known) if low is None else low
    greatest = max(known) if high is None else high
    room = margin * (greatest - least)
    if greatest - least <= 1e-9 * abs(greatest):  # one value: in the middle
        room = 0.5 if whole else max(0.05 * abs(greatest), 1e-3)
    least -= room * (low is None)
    greatest += room * (high is None)
    if greatest <= least:  # ends that are given, and the same
        greatest = least + 1
    return Scale(least, greatest, _ticks(least, greatest, ticks, whole))


def logarithmic(values: Sequence[float]) -> Scale:
    """From the least to the greatest of the values, with a tick at each and a margin."""
    least, greatest = min(values), max(values)
    room = (greatest / least) ** 0.05 if greatest > least else 1.1
    ticks = tuple((value, f"{value:.0f}") for value in values)
    return Scale(least / room, greatest * room, ticks, logarithmic=True)


def _ticks(low: float, high: float, count: int, whole: bool) -> tuple[tuple[float, str], ...]:
    """At most `count`, of steps 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10((high - low) / count))
    for step in (power * factor for factor in (1, 2, 2.5, 5, 10, 20)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < count and (not whole or step == int(step)):
            break
    decimals = next(n for n in range(400) if abs(round(step, n) - step) < 1e-9 * step)
    places = [number * step for number in range(first, last + 1)]
    return tuple((place, f"{place + 0.0:.{decimals}f}") for place in places)


class Axes:
    """A drawing with a frame for values; what lies at the values is then added to it.

    Attributes:
        drawing: of `size` (width, height), with axes, ticks, their names and the legend.
        left, top, right, bottom: of the frame.
    """

    def __init__(
        self, size: tuple[float, float], x: Scale, y: Scale, *, x_name: str, y_name: str = "",
        legend: Sequence[Key] = (), grid: str = "y",
    ) -> None:  # fmt: skip
        """`grid` names the axes whose ticks have lines; a tick's label may have several."""
        self._x, self._y = x, y
        self.drawing = Drawing(*size)
        labels = [line for _, label in y.ticks for line in label.split("\n")]
        self.left = max(map(text_width, labels), default=0.0) + 2 * _GAP
        self.left += _LINE + _GAP if y_name else 0.0
        self.right = size[0] - 2 * _GAP
        self.top = _GAP + self._legend(legend)
        self.bottom = size[1] - 2 * _LINE - 2 * _GAP
        self._frame(grid)
        self._names(x_name, y_name)

    def at(self, x: float, y: float) -> Place:
        """The place of a pair of values."""
        return (
            self.left + self._x.share(x) * (self.right - self.left),
            self.bottom - self._y.share(y) * (self.bottom - self.top),
        )

    def curve(
        self, values: Iterable[tuple[float, float]], colour: str, *, width: float = 1.6,
        dash: str = "", marker: str = "", radius: float = 2.0,
    ) -> None:  # fmt: skip
        """A line through pairs of values, with a marker at each on demand."""
        places = [self.at(*pair) for pair in values]
        self.drawing.line(places, colour, width=width, dash=dash)
        for place in places if marker else ():
            self.drawing.marker(marker, place, radius, colour)

    def vertical(self, x: float) -> None:
        """A dashed line at a value of x."""
        across = self.at(x, self._y.low)[0]
        self.drawing.line([(across, self.top), (across, self.bottom)], "soft", width=1, dash="4 2")

    def _frame(self, grid: str) -> None:
        left, top, right, bottom = self.left, self.top, self.right, self.bottom
        ruled = [(self.at(value, self._y.low)[0], label) for value, label in self._x.ticks]
        for across, label in ruled:
            above = top if "x" in grid else bottom
            self.drawing.line([(across, above), (across, bottom + 3)], "rule", width=0.8)
            self.drawing.write(label, (across, bottom + _LINE), anchor="middle", colour="soft")
        for value, label in self._y.ticks:
            down = self.at(self._x.low, value)[1]
            if "y" in grid:
                self.drawing.line([(left - 3, down), (right, down)], "rule", width=0.8)
            lines = label.split("\n")
            for number, line in enumerate(lines):
                place = (left - _GAP - 2, down + (number - (len(lines) - 1) / 2) * 1.2 * FONT_SIZE)
                self.drawing.write(line, place, anchor="end", colour="soft")
        self.drawing.line([(left, top), (left, bottom), (right, bottom)], "rule", width=0.8)

    def _names(self, x_name: str, y_name: str) -> None:
        across, down = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        place = (across, self.bottom + 2 * _LINE + 2)
        self.drawing.write(x_name, place, anchor="middle", colour="soft")
        if y_name:
            place = (_LINE / 2 + 1, down)
            self.drawing.write(y_name, place, anchor="middle", colour="soft", turn=-90)

    def _legend(self, keys: Sequence[Key]) -> float:
        """Above the frame, in as many rows as it needs; gives their height."""
        across, down = self.left, _LINE / 2
        for key in keys:
            width = _SAMPLE + _GAP + text_width(key.label, _SMALL)
            if across + width > self.right and across > self.left:
                across, down = self.left, down + _LINE
            middle = (across + _SAMPLE / 2, down)
            if key.dash is not None:
                ends = [(across, down), (across + _SAMPLE, down)]
                self.drawing.line(ends, key.colour, dash=key.dash)
            if key.marker:
                self.drawing.marker(key.marker, middle, key.radius, key.colour)
            self.drawing.write(key.label, (across + _SAMPLE + _GAP, down), size=_SMALL)
            across += width + 3 * _GAP
        return down + _LINE / 2 if keys else 0.0
