"""A comparison as one self-contained HTML page: box plots of the raw runs, and a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packager.bench.comparison import Comparison, Row
from packager.bench.results import percentile
from packager.files import write_output
from packager.pages import page_environment

_MS = 1e6  # nanoseconds
_TICKS = 5


@dataclass(frozen=True)
class Box:
    """A Tukey box plot, positions in percent of the axis.

    The box holds the middle half, the line in it is the median, whiskers reach to the furthest
    run within 1.5 times the box's length. `dots` are the runs (place, height 0..1); `beyond` says
    which of them lie right of the axis. Without raw runs, the box is a line from the least to the
    greatest that the tool told.
    """

    low: float
    first: float
    middle: float
    third: float
    high: float
    dots: tuple[tuple[float, float], ...]
    beyond: str

    @property
    def width(self) -> float:
        """Of the box."""
        return self.third - self.first


@dataclass(frozen=True)
class Tick:
    """A place on the axis in percent, and its label."""

    place: float
    label: str


@dataclass(frozen=True)
class Figure:
    """One box for each row, and the axis below them, in milliseconds from 0."""

    boxes: tuple[Box, ...]
    ticks: tuple[Tick, ...]


def write_page(comparison: Comparison, path: Path, *, title: str = "Latency") -> None:
    """Writes the page. Raises `OutputError` when it can't be written."""
    write_output(path, render_page(comparison, title=title))


def render_page(comparison: Comparison, *, title: str = "Latency") -> str:
    """The page's HTML."""
    environment = page_environment("bench")
    environment.filters.update(ms=milliseconds, mb=_megabytes, percent=_percent)
    rows = comparison.rows
    drawn = figure(rows)
    return environment.get_template("page.html").render(
        title=title,
        rows=list(zip(rows, drawn.boxes, strict=True)),
        ticks=drawn.ticks,
        skipped=comparison.skipped,
        unread=comparison.unread,
        sources=list(dict.fromkeys(row.source for row in rows)),
        devices=list(dict.fromkeys(row.device for row in rows)),
        best=next((row for row in rows if not row.wrong), rows[0]),
    )


def figure(rows: Sequence[Row]) -> Figure:
    """Box plots of rows on one axis, which ends just beyond the slowest whisker."""
    spans = [_span(row) for row in rows]
    end, step = _axis(max(span[4] for span in spans) / _MS)
    ticks = tuple(
        Tick(100 * number * step / end, f"{number * step:g}")
        for number in range(round(end / step) + 1)
    )
    scale = 100 / (end * _MS)
    return Figure(
        tuple(_box(row, span, scale) for row, span in zip(rows, spans, strict=True)), ticks
    )


def milliseconds(nanoseconds: float | None) -> str:
    """Three significant digits: "0.123", "12.3"."""
    if nanoseconds is None:
        return "–"
    value = nanoseconds / _MS
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def _span(row: Row) -> tuple[float, float, float, float, float]:
    """Whisker, quartile, median, quartile, whisker; nanoseconds."""
    runs = sorted(row.runs_ns)
    if not runs:
        least = row.latency_ns if row.minimum_ns is None else row.minimum_ns
        most = row.latency_ns if row.maximum_ns is None else row.maximum_ns
        return least, row.latency_ns, row.latency_ns, row.latency_ns, most
    first, middle, third = (percentile(runs, percent) for percent in (25, 50, 75))
    reach = 1.5 * (third - first)
    low = min(run for run in runs if run >= first - reach)
    high = max(run for run in runs if run <= third + reach)
    return low, first, middle, third, high


def _box(row: Row, span: tuple[float, float, float, float, float], scale: float) -> Box:
    inside = [run for run in row.runs_ns if run * scale <= 100]
    beyond = [run for run in row.runs_ns if run * scale > 100]
    # A fixed scatter: neighbours in time lie apart, and the page is the same each time.
    dots = tuple((run * scale, (7 * number % 19) / 18) for number, run in enumerate(inside))
    said = ""
    if beyond:
        runs = "run" if len(beyond) == 1 else "runs"
        said = f"{len(beyond)} slower {runs} beyond the axis, up to {milliseconds(max(beyond))} ms"
    low, first, middle, third, high = (min(value * scale, 100) for value in span)
    return Box(low, first, middle, third, high, dots, said)


def _axis(most: float) -> tuple[float, float]:
    """End and step of an axis from 0 that has room for `most`, in round numbers."""
    rough = max(most, 1e-6) * 1.02 / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    return step * math.ceil(max(most, 1e-6) * 1.02 / step), step


def _megabytes(size: int | None) -> str:
    return "–" if size is None else f"{size / 1e6:.1f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
