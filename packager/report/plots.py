"""What a report draws: curves, confusion matrices, latencies, and size or latency by accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packager.bench.results import percentile
from packager.record import encodable
from packager.report.drawing import BLUE, GREEN, INK, ORANGE, PURPLE, RED, SOFT, Plot, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from packager.bench.comparison import Row

_NUMBERED = 25  # classes, up to which a confusion matrix has room for numbers
_NAMED = 40  # and for names
_CONFUSED = 16  # classes of the most frequent mistakes, of more than can be named
_NAME = 18  # letters of a name in a figure
_MARKERS = {
    "none": (INK, "o"), "fp16": (BLUE, "s"), "dynamic": (PURPLE, "^"), "int8": (GREEN, "D"),
    "int16x8": (ORANGE, "v"),
}  # fmt: skip


def curves(
    epochs: Sequence[Mapping[str, float]], best: int | None, *, name: str = "", png: bool = False
) -> list[Plot]:
    """Loss and accuracy by epoch, of training and validation; `best` is the index of the kept one.

    `epochs` are rows of report.json's "curves"; `name` is put before the files' names.
    """
    return [
        _curve(epochs, best, key, unit, name, png)
        for key, unit in (("loss", "nats"), ("accuracy", "share of samples"))
    ]


def _curve(
    epochs: Sequence[Mapping[str, float]], best: int | None, key: str, unit: str, name: str,
    png: bool,
) -> Plot:  # fmt: skip
    train = [epoch[key] for epoch in epochs]
    validation = [epoch[f"validation_{key}"] for epoch in epochs]
    held_out = None not in validation  # with a refit there is none

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        numbers = range(1, len(epochs) + 1)
        marker = "." if len(epochs) == 1 else None  # a single epoch has no line
        axes.plot(numbers, train, color=BLUE, marker=marker, label="training")
        if held_out:
            axes.plot(
                numbers, validation, color=ORANGE, marker=marker, ls=(0, (5, 1)),
                label="validation",
            )  # fmt: skip
        if best is not None:
            axes.axvline(best + 1, color=SOFT, ls="--", lw=1)
        if best is not None and held_out:
            axes.plot([best + 1], [validation[best]], "o", color=ORANGE, ms=5)
        axes.set(xlabel="epoch", ylabel=f"{key}, {unit}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y")
        axes.legend()

    at = len(epochs) - 1 if best is None else best
    kept = "" if best is None else f" The dashed line is the epoch that was kept, {best + 1}."
    return draw(
        f"{name}{key}",
        paint,
        size=(4.6, 2.9),
        alt=f"{key} over {len(epochs)} epochs: training from {train[0]:.3f} to {train[at]:.3f}"
        + (f", validation from {validation[0]:.3f} to {validation[at]:.3f}" if held_out else "")
        + f" at epoch {at + 1}",
        caption=f"{key.capitalize()} by epoch.{kept}",
        png=png,
        shows=[train, validation, best],
    )


def reliability(
    before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]], *,
    png: bool = False,
) -> Plot:  # fmt: skip
    """Share right by score, before and after calibration; rows of report.json's "bins"."""

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=SOFT, ls="--", lw=1, label="what the score says")
        for bins, colour, marker, label in (
            (before, ORANGE, "s", "before"), (after, BLUE, "o", "calibrated"),
        ):  # fmt: skip
            axes.plot(
                [each["confidence"] for each in bins], [each["accuracy"] for each in bins],
                color=colour, marker=marker, ms=4, label=label,
            )  # fmt: skip
        axes.set(xlabel="score of the answer", ylabel="share right", xlim=(0, 1), ylim=(0, 1.02))
        axes.grid(axis="y")
        axes.legend(loc="lower right")

    told = ", ".join(f"{each['accuracy']:.0%} at {each['confidence']:.0%}" for each in after)
    return draw(
        "reliability",
        paint,
        size=(4.6, 3.2),
        alt=f"share right by score of the answer, calibrated: {told}",
        caption="Reliability: on the dashed line, as many answers are right as their score says.",
        png=png,
    )


def learning_curve(points: Sequence[Mapping[str, float]], *, png: bool = False) -> Plot:
    """Top-1 by the number of photos learnt from; rows of report.json's "curve"."""
    from matplotlib.ticker import NullLocator

    def paint(axes: Axes) -> None:
        photos = [each["photos"] for each in points]
        axes.plot(photos, [100 * each["top1"] for each in points], color=BLUE, marker="o", ms=4)
        axes.set_xscale("log", base=2)
        axes.set_xticks(photos, [f"{each:.0f}" for each in photos])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="photos learnt from", ylabel="top-1, %")
        axes.grid(axis="y")

    told = ", ".join(f"{each['top1']:.1%} with {each['photos']:.0f} photos" for each in points)
    return draw(
        "learning-curve",
        paint,
        size=(4.6, 3.2),
        alt=f"cross-validated top-1: {told}",
        caption="Cross-validated top-1 (mean of both views) by the number of photos learnt from.",
        png=png,
    )


def confusion(
    cells: Sequence[Sequence[int]], labels: Sequence[str], view: str, *, name: str = "",
    png: bool = False,
) -> Plot | None:  # fmt: skip
    """Photos by true and predicted class; `cells` are (true, predicted, photos).

    With more than 40 classes only those are drawn that the most frequent mistakes are between;
    None when there is no mistake then.
    """
    import numpy as np

    drawn = list(range(len(labels)))
    if len(labels) > _NAMED:
        drawn = _most_confused(cells)
        if not drawn:
            return None
    number, places = len(drawn), {index: place for place, index in enumerate(drawn)}
    counts, photos = np.zeros((number, number), int), np.zeros((number, 1), int)
    for true, predicted, count in cells:
        if true in places:
            photos[places[true]] += count
            if predicted in places:
                counts[places[true], places[predicted]] = count
    shares = counts / np.maximum(photos, 1)
    right = sum(count for true, predicted, count in cells if true == predicted)

    def paint(axes: Axes) -> None:
        # Blue for right, red for wrong; the share is the opacity, so that any page shows through.
        colours = np.zeros((number, number, 4))
        colours[:] = (*_rgb(RED), 0)
        colours[np.arange(number), np.arange(number)] = (*_rgb(BLUE), 0)
        colours[..., 3] = np.where(shares > 0, 0.1 + 0.45 * shares, 0)
        axes.imshow(colours, interpolation="none")
        if number <= _NUMBERED:
            for true, taken in zip(*np.nonzero(counts), strict=True):
                axes.text(taken, true, f"{counts[true, taken]}", ha="center", va="center")
        names = [shortened(labels[index]) for index in drawn]
        axes.set_xticks(range(number), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(number), names)
        axes.set(xlabel="predicted", ylabel="true")
        axes.tick_params(length=0)

    side = min(2.0 + 0.36 * number, 5.6)
    return draw(
        f"{name}confusion-{view}",
        paint,
        size=(side + 0.9, side + 0.4),
        alt=f"confusion matrix, {view} view: {right} of {sum(cell[2] for cell in cells)} photos on "
        "the diagonal",
        caption=f"View {view}: true class by row, predicted class by column; the colour is the "
        "share of the row."
        + (
            f" Of {len(labels):,} classes the {number} of the most frequent mistakes."
            if number < len(labels)
            else ""
        ),
        png=png,
        shows=[counts.tolist(), photos.tolist(), [shortened(labels[index]) for index in drawn]],
    )


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


def latency(rows: Sequence[Row], *, png: bool = False) -> Plot:
    """Box plots of raw runs in Tukey's manner, one for each measured combination."""
    names = [_combination(row, rows) for row in rows]
    boxes = [_box(row, name) for row, name in zip(rows, names, strict=True)]
    end = 1.08 * max(max(box["whishi"], (row.p95_ns or 0) / 1e6)
                     for box, row in zip(boxes, rows, strict=True))  # fmt: skip
    beyond = sum(run / 1e6 > end for row in rows for run in row.runs_ns)

    def paint(axes: Axes) -> None:
        places = range(len(rows), 0, -1)  # the fastest on top
        line = {"color": BLUE, "linewidth": 1.2}
        axes.bxp(
            boxes, positions=list(places), orientation="horizontal", widths=0.55,
            showfliers=False, patch_artist=True,
            boxprops={"facecolor": "none", "edgecolor": BLUE, "linewidth": 1.2},
            whiskerprops=line, capprops=line, medianprops={"color": BLUE, "linewidth": 2.4},
        )  # fmt: skip
        for place, row in zip(places, rows, strict=True):
            # A fixed scatter: the figure is the same each time.
            heights = [place + (7 * i % 19 - 9) / 45 for i in range(len(row.runs_ns))]
            times = [run / 1e6 for run in row.runs_ns]
            axes.scatter(times, heights, s=5, color=RED if row.wrong else BLUE, alpha=0.3, lw=0)
        axes.set(xlim=(0, end), xlabel="ms an inference")
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)

    return draw(
        "latency",
        paint,
        size=(5.2, 0.9 + 0.4 * len(rows)),
        alt=f"box plots of latency; the fastest is {names[0].replace(chr(10), ' on ')} with "
        f"{rows[0].latency_ns / 1e6:.2f} ms",
        caption="Each dot is a run; the box holds the middle half of them, its thick line is the "
        "median; whiskers reach the furthest run within 1.5 lengths of the box."
        + (
            f" {beyond} slower {'run lies' if beyond == 1 else 'runs lie'} beyond the axis."
            if beyond
            else ""
        )
        + (" Red: answers that differ from packager's own." if any(r.wrong for r in rows) else ""),
        png=png,
    )


@dataclass(frozen=True)
class Point:
    """A model in a scatter: what it costs (MB or ms), and its top-1, 0..1."""

    name: str
    quantization: str
    cost: float
    top1: float


def scatter(
    name: str,
    points: Sequence[Point],
    *,
    axis: str,
    marked: Point | None = None,
    png: bool = False,
) -> Plot:
    """Cost by top-1, with the front of the points that none beats in both; `axis` names the cost.

    `marked` is one more point, drawn as a star.
    """
    front = pareto_front(points)

    def paint(axes: Axes) -> None:
        axes.plot(
            [point.cost for point in front], [100 * point.top1 for point in front],
            color=SOFT, lw=1, ls="--", drawstyle="steps-post", label="Pareto front", zorder=1,
        )  # fmt: skip
        for quantization in dict.fromkeys([*_MARKERS, *(point.quantization for point in points)]):
            colour, marker = _MARKERS.get(quantization, (SOFT, "P"))
            group = [point for point in points if point.quantization == quantization]
            if group:
                axes.plot(
                    [point.cost for point in group], [100 * point.top1 for point in group],
                    marker, color=colour, ms=6, label=encodable(quantization),
                )  # fmt: skip
        if marked is not None:
            axes.plot([marked.cost], [100 * marked.top1], "*", color=RED, ms=13, label=marked.name)
        axes.margins(0.12, 0.15)
        axes.set(xlabel=axis, ylabel="top-1 stretch, %")
        axes.set_xlim(left=0)
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -1), min(high, 101))
        axes.grid()
        axes.figure.legend(loc="outside lower center", ncols=4)
        _label(axes, points)

    best = max(front, key=lambda point: point.top1)
    return draw(
        name,
        paint,
        size=(4.8, 3.6),
        alt=f"{axis} by top-1 of {len(points)} models; on the Pareto front: "
        + ", ".join(f"{p.name} {p.quantization}" for p in front)
        + f"; the most accurate is {best.name} {best.quantization}",
        caption=f"Up and left is better. No model is at once cheaper ({axis}) and more accurate "
        "than one on the dashed line." + ("" if marked is None else " The star is this build."),
        png=png,
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


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


def _combination(row: Row, rows: Sequence[Row]) -> str:
    name = f"{shortened(row.model)}\n{row.accelerator or row.ran_on or 'unknown'}"
    name += f" × {row.threads}" if row.threads else ""
    if len({other.device for other in rows}) > 1:
        name += f", {shortened(row.device)}"
    return name


def _box(row: Row, name: str) -> dict[str, Any]:
    """In milliseconds, as `Axes.bxp` takes it; without raw runs from the least to the greatest."""
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
    values = {"whislo": low, "q1": first, "med": middle, "q3": third, "whishi": high}
    return {"label": name, **{key: value / 1e6 for key, value in values.items()}}


def _label(axes: Axes, points: Sequence[Point]) -> None:
    """Names beside the points, where they cover the least of what is there already."""
    from matplotlib.transforms import Bbox

    figure: Any = axes.figure
    figure.draw_without_rendering()  # the layout, so that places are known
    places = axes.transData.transform([(p.cost, 100 * p.top1) for p in points])
    unit = figure.dpi / 72
    taken = [Bbox.from_extents(x - 4 * unit, y - 4 * unit, x + 4 * unit, y + 4 * unit)
             for x, y in places]  # fmt: skip
    for point, own in zip(points, list(taken), strict=True):
        choices: list[tuple[float, int, Any, Any]] = []
        for x, y, across, up in (
            (-4, 4, "right", "bottom"), (0, 6, "center", "bottom"), (6, 0, "left", "center"),
            (5, -5, "left", "top"), (5, 5, "left", "bottom"), (0, -6, "center", "top"),
            (-6, 0, "right", "center"), (-5, -5, "right", "top"),
        ):  # fmt: skip
            text = axes.annotate(
                encodable(point.name), (point.cost, 100 * point.top1), (x, y), fontsize=7.5,
                textcoords="offset points", ha=across, va=up, color=SOFT,
            )  # fmt: skip
            box = text.get_window_extent()
            covered = sum(_overlap(box, other) for other in taken if other is not own)
            outside = box.width * box.height - _overlap(box, axes.bbox)
            choices.append((covered + 2 * outside, len(choices), text, box))
        _, kept, _, box = min(choices, key=lambda choice: choice[:2])
        taken.append(box)
        for _, number, text, _ in choices:
            if number != kept:
                text.remove()


def _overlap(one: Any, other: Any) -> float:
    width: float = min(one.x1, other.x1) - max(one.x0, other.x0)
    height: float = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)
