from __future__ import annotations

import re
from dataclasses import replace

from packager.bench.comparison import compare
from packager.bench.results import Build, Context, Measurement, Metric, Results, Source, Statistics
from packager.report import plots
from packager.report.plots import Point, pareto_front

EPOCH = {"loss": 0.7, "accuracy": 0.8, "validation_loss": 0.75, "validation_accuracy": 0.7}


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_curves_name_the_epoch_that_was_kept() -> None:
    loss, accuracy = plots.curves([EPOCH, {**EPOCH, "validation_loss": 0.5}, EPOCH], 1)
    assert (loss.name, accuracy.name) == ("loss", "accuracy")
    assert "validation from 0.750 to 0.500 at epoch 2" in loss.alt
    assert "the epoch that was kept, 2." in accuracy.caption
    assert {"training", "validation", "epoch"} <= set(texts(loss.drawing.svg()))


def test_curves_of_one_epoch_and_of_none_kept() -> None:
    loss, _ = plots.curves([EPOCH], None, name="fine-tuning-")
    assert loss.name == "fine-tuning-loss"
    assert loss.drawing.svg().count("<circle") == 2 + 2  # and in the legend
    assert "kept" not in loss.caption


def test_confusion_counts_every_photo() -> None:
    plot = plots.confusion([(0, 0, 7), (0, 1, 1)], ["a class of many letters", "b"], "crop")
    assert plot is not None
    assert {"7", "1", "a class o…letters", "b"} <= set(texts(plot.drawing.svg()))
    assert "0" not in texts(plot.drawing.svg())
    assert plot.alt == "confusion matrix, crop view: 7 of 8 photos on the diagonal"


def test_confusion_of_many_classes_shows_those_confused() -> None:
    labels = [f"class {i}" for i in range(1000)]
    right = [(i, i, 5) for i in range(1000)]
    plot = plots.confusion([*right, (3, 700, 4), (700, 3, 2), (8, 9, 1)], labels, "stretch")
    assert plot is not None
    shown = texts(plot.drawing.svg())
    assert [text for text in shown if text.startswith("class")] == [
        "class 3", "class 700", "class 8", "class 9",
    ] * 2  # fmt: skip
    assert {"5", "4", "2", "1"} <= set(shown)
    assert "Of 1,000 classes the 4 of the most frequent mistakes" in plot.caption
    assert "5000 of 5007" in plot.alt
    many = plots.confusion([*right, *((i, i + 1, 1) for i in range(999))], labels, "stretch")
    assert many is not None
    assert len(many.drawing.svg()) < 100_000
    assert plots.confusion(right, labels, "stretch") is None


def measured(*times: Measurement) -> tuple[plots.Row, ...]:
    results = Results(Context(Build("", "", "Phone")), times)
    return compare([Source("", results)]).rows


def test_latency_draws_raw_runs_and_tells_those_beyond() -> None:
    runs = [10e6] * 40 + [500e6]
    plot = plots.latency(
        measured(Measurement("a<b", "CPU", 2, metrics={"timeNs": Metric.of(runs)}))
    )
    assert {"a&lt;b", "CPU × 2"} <= set(texts(plot.drawing.svg()))
    assert "1 slower run lies beyond" in plot.caption
    assert plot.drawing.svg().count("<circle") == 40


def test_latency_of_a_tool_that_tells_no_runs() -> None:
    said = Statistics(50, minimum=4e6, maximum=9e6, mean=5e6)
    native = Measurement("m", "CPU", None, metrics={"timeNs": Metric((), said)})
    rows = measured(native, replace(native, accelerator="GPU"))
    plot = plots.latency(rows)
    assert "the fastest is m on CPU with 5.00 ms" in plot.alt
    assert "slower" not in plot.caption


def test_front_holds_what_no_other_beats() -> None:
    a, b, c, d = (
        Point("a", "int8", 1.0, 0.8),
        Point("b", "int8", 2.0, 0.8),
        Point("c", "none", 2.0, 0.9),
        Point("d", "none", 3.0, 0.85),
    )
    assert pareto_front([d, c, b, a]) == [a, c]


def test_scatter_shows_every_model_and_marks_the_build() -> None:
    points = [
        Point(name, quantization, size, 0.9)
        for size, name in enumerate(("lite0", "own"), 2)
        for quantization in ("none", "fp16", "dynamic", "int8", "int16x8", "other")
    ]
    mark = Point("this build", "", 2.5, 0.95)
    plot = plots.scatter("size", points, axis="size, MB", marked=mark)
    shown = texts(plot.drawing.svg())
    assert shown.count("lite0") == shown.count("own") == 6
    assert {"none", "fp16", "dynamic", "int8", "int16x8", "other", "this build"} <= set(shown)
    assert "The star is this build." in plot.caption
