"""What a report draws: curves, confusion matrices, latencies, and size or latency by accuracy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from packager.bench.results import percentile
from packager.record import encodable
from packager.report.axes import Axes, Key, Scale, logarithmic, scale
from packager.report.drawing import FONT_SIZE, Drawing, Place, Plot, text_width

if TYPE_CHECKING:
    from packager.bench.comparison import Row

_NUMBERED = 25  # classes, up to which a confusion matrix has room for numbers
_NAMED = 40  # and for names
_CONFUSED = 16  # classes of the most frequent mistakes, of more than can be named
_NAME = 18  # letters of a name in a figure
_NAME_SIZE = 7.5  # font size of the names in a scatter
# Where a name may be beside its point, the best first: to the right of it, and further down.
_SIDES = ((-1, -1), (0, -1), (1, 0), (1, 1), (1, -1), (0, 1), (-1, 0), (-1, 1))
_CURVE = (331.0, 209.0)  # width and height of a figure, points
_MARKERS = {
    "none": ("ink", "circle"), "fp16": ("blue", "square"), "dynamic": ("purple", "triangle"),
    "int8": ("green", "diamond"), "int16x8": ("orange", "wedge"),
}  # fmt: skip
_OTHER = ("soft", "cross")


def curves(
    epochs: Sequence[Mapping[str, float]], best: int | None, *, name: str = ""
) -> list[Plot]:
    """Loss and accuracy by epoch, of training and validation; `best` is the index of the kept one.

    `epochs` are rows of report.json's "curves"; `name` is put before the files' names.
    """
    return [
        _curve(epochs, best, key, unit, name)
        for key, unit in (("loss", "nats"), ("accuracy", "share of samples"))
    ]


def _curve(
    epochs: Sequence[Mapping[str, float]], best: int | None, key: str, unit: str, name: str
) -> Plot:
    train = [epoch[key] for epoch in epochs]
    validation = [epoch[f"validation_{key}"] for epoch in epochs]
    held_out = None not in validation  # with a refit there is none
    marker = "circle" if len(epochs) == 1 else ""  # a single epoch has no line
    shown = [(train, Key("training", "blue", "", marker))]
    if held_out:
        shown.append((validation, Key("validation", "orange", "5 1.5", marker)))
    axes = Axes(
        _CURVE,
        scale(range(1, len(epochs) + 1), whole=True, ticks=10),
        scale([value for values, _ in shown for value in values]),
        x_name="epoch", y_name=f"{key}, {unit}", legend=[each for _, each in shown],
    )  # fmt: skip
    for values, own in shown:
        places = enumerate(values, 1)
        axes.curve(places, own.colour, dash=own.dash or "", marker=marker)
    if best is not None:
        axes.vertical(best + 1)
        if held_out:
            axes.drawing.marker("circle", axes.at(best + 1, validation[best]), 2.5, "orange")
    at = len(epochs) - 1 if best is None else best
    kept = "" if best is None else f" The dashed line is the epoch that was kept, {best + 1}."
    return Plot(
        f"{name}{key}",
        f"{key} over {len(epochs)} epochs: training from {train[0]:.3f} to {train[at]:.3f}"
        + (f", validation from {validation[0]:.3f} to {validation[at]:.3f}" if held_out else "")
        + f" at epoch {at + 1}",
        f"{key.capitalize()} by epoch.{kept}",
        axes.drawing,
    )


def reliability(
    before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]]
) -> Plot:
    """Accuracy by confidence, before and after calibration; rows of report.json's "bins"."""
    shown = (
        (before, Key("before", "orange", "", "square")),
        (after, Key("calibrated", "blue", "", "circle")),
    )
    axes = Axes(
        (331, 230),
        scale((), low=0, high=1),
        scale((), low=0, high=1.02),
        x_name="confidence", y_name="accuracy",
        legend=[Key("perfect calibration", "soft", "4 2"), *(key for _, key in shown)],
    )  # fmt: skip
    axes.curve([(0, 0), (1, 1)], "soft", width=1, dash="4 2")
    for bins, key in shown:
        axes.curve(
            [(each["confidence"], each["accuracy"]) for each in bins], key.colour,
            marker=key.marker,
        )  # fmt: skip
    told = ", ".join(f"{each['accuracy']:.0%} at {each['confidence']:.0%}" for each in after)
    return Plot(
        "reliability",
        f"accuracy by confidence, calibrated: {told}",
        "Reliability diagram: accuracy by confidence (the score of the prediction).",
        axes.drawing,
    )


def learning_curve(points: Sequence[Mapping[str, float]]) -> Plot:
    """Top-1 by the number of photos learnt from; rows of report.json's "curve"."""
    values = [(each["photos"], 100 * each["top1"]) for each in points]
    axes = Axes(
        (331, 230),
        logarithmic([photos for photos, _ in values]),
        scale([top1 for _, top1 in values]),
        x_name="training photos",
        y_name="top-1, %",
    )
    axes.curve(values, "blue", marker="circle")
    told = ", ".join(f"{each['top1']:.1%} with {each['photos']:.0f} photos" for each in points)
    return Plot(
        "learning-curve",
        f"cross-validated top-1: {told}",
        "Cross-validated top-1 (mean of both views) by the number of training photos.",
        axes.drawing,
    )


def confusion(
    cells: Sequence[Sequence[int]], labels: Sequence[str], view: str, *, name: str = ""
) -> Plot | None:
    """Photos by true and predicted class; `cells` are (true, predicted, photos).

    With more than 40 classes only those are drawn that the most frequent mistakes are between;
    None when there is no mistake then.
    """
    drawn = list(range(len(labels)))
    if len(labels) > _NAMED:
        drawn = _most_confused(cells)
        if not drawn:
            return None
    places, photos = {index: place for place, index in enumerate(drawn)}, Counter[int]()
    for true, _, count in cells:
        photos[true] += count
    counts = [
        (places[true], places[predicted], count, count / photos[true])
        for true, predicted, count in cells
        if count and true in places and predicted in places
    ]
    right = sum(count for true, predicted, count in cells if true == predicted)
    return Plot(
        f"{name}confusion-{view}",
        f"confusion matrix, {view} view: {right} of {sum(cell[2] for cell in cells)} photos on "
        "the diagonal",
        f"View {view}: true class by row, predicted class by column; the colour is the "
        "share of the row."
        + (
            f" Of {len(labels):,} classes the {len(drawn)} of the most frequent mistakes."
            if len(drawn) < len(labels)
            else ""
        ),
        _matrix(counts, [shortened(labels[index]) for index in drawn]),
    )


def _matrix(cells: Sequence[tuple[int, int, int, float]], names: Sequence[str]) -> Drawing:
    """Of (row, column, photos, share of the row)."""
    numbered = len(names) <= _NUMBERED
    side = max(min(40.0, 220 / len(names)), 16.0 if numbered else 10.0)  # of a cell
    size = min(FONT_SIZE, 0.9 * side)
    longest = max(text_width(each, size) for each in names)
    slant = 0.71 * (longest + size)  # how far down names reach that are turned by 45 degrees
    matrix, named = side * len(names), longest + 26
    width = max(_CURVE[0], named + matrix + 8)
    left, top = named + (width - 8 - named - matrix) / 2, 4.0
    drawing = Drawing(width, top + matrix + slant + 26)
    for row, column, count, share in cells:
        # Blue for right, red for wrong; the share is the opacity, so that any page shows through.
        x, y = left + side * column, top + side * row
        colour = "blue" if row == column else "red"
        drawing.box(x, y, side, side, fill=colour, opacity=0.1 + 0.45 * share)
        if numbered:
            room = min(FONT_SIZE, FONT_SIZE * side / (text_width(f"{count}") + 2))
            middle = (x + side / 2, y + side / 2)
            drawing.write(f"{count}", middle, anchor="middle", size=room)
    drawing.box(left, top, matrix, matrix, stroke="rule")
    named_at = [(side * (place + 0.5), label) for place, label in enumerate(names)]
    for down, label in named_at:
        drawing.write(label, (left - 6, top + down), anchor="end", colour="soft", size=size)
    for across, label in named_at:
        below = (left + across, top + matrix + 8)
        drawing.write(label, below, anchor="end", colour="soft", size=size, turn=-45)
    middle = (left + matrix / 2, top + matrix + slant + 18)
    drawing.write("predicted", middle, anchor="middle", colour="soft")
    beside = (left - named + 8, top + matrix / 2)
    drawing.write("true", beside, anchor="middle", colour="soft", turn=-90)
    return drawing


def _most_confused(cells: Sequence[Sequence[int]]) -> list[int]:
    """Classes of the most frequent mistakes, each pair side by side."""
    chosen: dict[int, None] = {}
    for true, predicted, _ in sorted(
        (cell for cell in cells if cell[0] != cell[1]), key=lambda cell: -cell[2]
    ):
        if len(chosen.keys() | {true, predicted}) > _CONFUSED:
            break
        chosen.update({true: None, predicted: None})
    return list(chosen)


def latency(rows: Sequence[Row]) -> Plot:
    """Box plots of raw runs in Tukey's manner, one for each measured combination."""
    names = [_combination(row, rows) for row in rows]
    boxes = [_box(row) for row in rows]
    end = 1.08 * max(max(box.high, (row.p95_ns or 0) / 1e6)
                     for box, row in zip(boxes, rows, strict=True))  # fmt: skip
    beyond = sum(run / 1e6 > end for row in rows for run in row.runs_ns)
    places = range(len(rows), 0, -1)  # the fastest on top
    axes = Axes(
        (374, 65 + 29 * len(rows)),
        scale((), low=0, high=end),
        Scale(0.5, len(rows) + 0.5, tuple(zip(places, names, strict=True))),
        x_name="ms an inference", grid="x",
    )  # fmt: skip
    for place, row, box in zip(places, rows, boxes, strict=True):
        # A fixed scatter: the figure is the same each time.
        for number, run in enumerate(row.runs_ns):
            if run / 1e6 <= end:
                dot = axes.at(run / 1e6, place + (7 * number % 19 - 9) / 45)
                axes.drawing.marker("circle", dot, 1.1, "red" if row.wrong else "blue", opacity=0.3)
        _draw_box(axes, box, place)
    return Plot(
        "latency",
        f"box plots of latency; the fastest is {names[0].replace(chr(10), ' on ')} with "
        f"{rows[0].latency_ns / 1e6:.2f} ms",
        "Each dot is a run; the box holds the middle half of them, its thick line is the "
        "median; whiskers reach the furthest run within 1.5 lengths of the box."
        + (
            f" {beyond} slower {'run lies' if beyond == 1 else 'runs lie'} beyond the axis."
            if beyond
            else ""
        )
        + (" Red: predictions that differ." if any(r.wrong for r in rows) else ""),
        axes.drawing,
    )


@dataclass(frozen=True)
class Point:
    """A model in a scatter: what it costs (MB or ms), and its top-1, 0..1."""

    name: str
    quantization: str
    cost: float
    top1: float


def scatter(name: str, points: Sequence[Point], *, axis: str, marked: Point | None = None) -> Plot:
    """Cost by top-1, with the front of the points that none beats in both; `axis` names the cost.

    `marked` is one more point, drawn as a star.
    """
    front = pareto_front(points)
    groups = {
        kind: group
        for kind in dict.fromkeys([*_MARKERS, *(point.quantization for point in points)])
        if (group := [point for point in points if point.quantization == kind])
    }
    legend = [Key("Pareto front", "soft", "4 2")]
    for kind in groups:
        colour, shape = _MARKERS.get(kind, _OTHER)
        legend.append(Key(encodable(kind), colour, None, shape, 3))
    if marked is not None:
        legend.append(Key(marked.name, "red", None, "star", 6))
    every = [*points, *([] if marked is None else [marked])]
    axes = Axes(
        (346, 259),
        scale([point.cost for point in every], low=0, margin=0.12),
        _percents([100 * point.top1 for point in every]),
        x_name=axis, y_name="top-1 stretch, %", legend=legend, grid="xy",
    )  # fmt: skip
    stairs = [(at.cost, 100 * before.top1) for before, at in pairwise(front)]
    steps = [(point.cost, 100 * point.top1) for point in front]
    axes.curve(
        [steps[0], *chain(*zip(stairs, steps[1:], strict=True))], "soft", width=1, dash="4 2"
    )
    for kind, group in groups.items():
        colour, shape = _MARKERS.get(kind, _OTHER)
        for point in group:
            axes.drawing.marker(shape, axes.at(point.cost, 100 * point.top1), 3, colour)
    if marked is not None:
        place = axes.at(marked.cost, 100 * marked.top1)
        axes.drawing.marker("star", place, 6.5, "red")
    _label(axes, points)
    best = max(front, key=lambda point: point.top1)
    return Plot(
        name,
        f"{axis} by top-1 of {len(points)} models; on the Pareto front: "
        + ", ".join(f"{p.name} {p.quantization}" for p in front)
        + f"; the most accurate is {best.name} {best.quantization}",
        f"Up and left is better. No model has both a lower cost ({axis}) and a higher accuracy "
        "than one on the dashed line." + ("" if marked is None else " The star is this build."),
        axes.drawing,
    )


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Those that no other beats in cost or top-1 without losing in the other, by cost."""
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.top1)):
        if not front or point.top1 > front[-1].top1:
            front.append(point)
    return front


def shortened(name: str) -> str:
    """A class's name as a figure has room for it; of a longer one its ends, which tell most."""
    name = encodable(name)
    half = _NAME // 2
    return name if len(name) <= _NAME else f"{name[:half].rstrip()}…{name[1 - half :].lstrip()}"


def _combination(row: Row, rows: Sequence[Row]) -> str:
    name = f"{shortened(row.model)}\n{row.accelerator or row.ran_on or 'unknown'}"
    name += f" × {row.threads}" if row.threads else ""
    if len({other.device for other in rows}) > 1:
        name += f", {shortened(row.device)}"
    return name


class _Box(NamedTuple):
    """Ends of the whiskers, quartiles and median, ms."""

    low: float
    first: float
    median: float
    third: float
    high: float


def _box(row: Row) -> _Box:
    """Without raw runs from the least to the greatest."""
    runs = sorted(row.runs_ns)
    if runs:
        first, middle, third = (percentile(runs, percent) for percent in (25, 50, 75))
        reach = 1.5 * (third - first)
        low = next(run for run in runs if run >= first - reach)
        high = next(run for run in reversed(runs) if run <= third + reach)
    else:
        first = middle = third = row.latency_ns
        low = row.latency_ns if row.minimum_ns is None else row.minimum_ns
        high = row.latency_ns if row.maximum_ns is None else row.maximum_ns
    return _Box(*(value / 1e6 for value in (low, first, middle, third, high)))


def _draw_box(axes: Axes, box: _Box, place: float) -> None:
    drawing, half = axes.drawing, 0.275
    left, top = axes.at(box.first, place + half)
    right, bottom = axes.at(box.third, place - half)
    drawing.box(left, top, right - left, bottom - top, stroke="blue")
    for inner, outer in ((box.first, box.low), (box.third, box.high)):
        drawing.line([axes.at(inner, place), axes.at(outer, place)], "blue", width=1.2)
        cap = [axes.at(outer, place + side * half / 2) for side in (-1, 1)]
        drawing.line(cap, "blue", width=1.2)
    median = [axes.at(box.median, place + side * half) for side in (-1, 1)]
    drawing.line(median, "blue", width=2.4)


def _percents(values: Sequence[float]) -> Scale:
    """Of the values with a margin, as far as there are percents."""
    free = scale(values, margin=0.15)
    return scale((), low=max(free.low, -1), high=min(free.high, 101))


class _Rectangle(NamedTuple):
    """In a drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def common(self, other: _Rectangle) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)


def _label(axes: Axes, points: Sequence[Point]) -> None:
    """Names beside the points, where they cover the least of what is there already."""
    frame = _Rectangle(axes.left, axes.top, axes.right, axes.bottom)
    places = [axes.at(point.cost, 100 * point.top1) for point in points]
    own = [_Rectangle(x - 4, y - 4, x + 4, y + 4) for x, y in places]
    taken = list(own)
    for point, place, mark in zip(points, places, own, strict=True):
        text = encodable(point.name)
        choices = [_beside(place, text, right, down) for right, down in _SIDES]
        free = min(
            choices,
            key=lambda box: (
                sum(box.common(other) for other in taken if other is not mark)
                + 2 * ((box.right - box.left) * (box.bottom - box.top) - box.common(frame))
            ),
        )
        taken.append(free)
        middle = (free.left, (free.top + free.bottom) / 2)
        axes.drawing.write(text, middle, colour="soft", size=_NAME_SIZE)


def _beside(place: Place, text: str, right: int, down: int) -> _Rectangle:
    """Room for a text on a side of a place: -1, 0 or 1 to the right of it, and further down."""
    width, height, gap = text_width(text, _NAME_SIZE), 1.2 * _NAME_SIZE, 5 if right and down else 6
    left = place[0] + (right - 1) * width / 2 + right * gap
    top = place[1] + (down - 1) * height / 2 + down * gap
    return _Rectangle(left, top, left + width, top + height)
