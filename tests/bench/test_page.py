from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.bench.comparison import compare
from packager.bench.page import figure, milliseconds, render_page, write_page
from packager.bench.results import INFERENCE, Metric, Predictions, Source, Statistics
from tests.bench.measurements import measured, results

VOID = {"meta", "line", "rect", "circle"}


class Reader(HTMLParser):
    """Checks that tags are closed in order; keeps the text and the attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.tags, self.text = list[str](), list[tuple[str, dict[str, Any]]](), ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def rows(*measurements: Any) -> Any:
    return compare([Source("s", results(*measurements))]).rows


def test_page_needs_nothing_beside_it() -> None:
    page = render_page(compare([Source("s", results())]))
    tags = Reader(page).tags
    assert not {tag for tag, _ in tags} & {"script", "link", "img", "iframe"}
    assert not re.findall(r"(?:src|href)=|url\(|@import|https?:", page)


def test_page_shows_each_run_and_warning() -> None:
    wrong = measured("broken", 4, predictions=Predictions(20, 3), count=40)
    skipped = measured("npu", metrics={}, skipped="there is no NPU here")
    found = compare(
        [Source("s", results(measured("good", 9), wrong, skipped))], unread=["x is damaged"]
    )
    page = Reader(render_page(found, title="Phones"))
    assert sum(tag == "circle" for tag, _ in page.tags) == 140
    assert sum(tag == "svg" for tag, _ in page.tags) == 3  # two plots and the axis
    for words in ("Phones", "wrong: 3 of 20 predictions", "there is no NPU here", "x is damaged",
                  "17 of 20"):  # fmt: skip
        assert words in page.text
    assert re.search(r"Fastest:\s*good", page.text)


def test_files_are_named_where_there_are_several() -> None:
    before = Source("before.json", results(measured(milliseconds=9)))
    after = Source("after.json", results(measured(milliseconds=7)))
    assert "before.json" not in render_page(compare([before]))
    page = Reader(render_page(compare([before, after]))).text
    assert page.count("before.json") == page.count("after.json") == 2  # figure and table


def test_names_cannot_break_the_page() -> None:
    name = "<script>alert(1)</script>\"'&"
    page = render_page(compare([Source("s", results(measured(name)))]), title=name)
    assert "<script" not in page
    assert name in Reader(page).text


def test_box_is_tukeys() -> None:
    times = [*range(1_000_000, 1_100_000, 1_000), 1_180_000, 1_500_000]
    (row,) = rows(measured(metrics={INFERENCE: Metric.of(times)}))
    drawn = figure([row])
    (box,) = drawn.boxes
    end = float(drawn.ticks[-1].label) * 1e6
    first, middle, third = np.percentile(times, (25, 50, 75))
    assert [box.first, box.middle, box.third] == pytest.approx(
        [100 * value / end for value in (first, middle, third)]
    )
    assert box.low == pytest.approx(100 * 1_000_000 / end)
    assert box.high == pytest.approx(100 * 1_099_000 / end)  # not the two outliers
    assert box.width == pytest.approx(box.third - box.first)


@pytest.mark.parametrize("slowest", [0.004, 0.31, 1.0, 9.99, 47, 100, 12_345])
def test_axis_is_round_and_long_enough(slowest: float) -> None:
    drawn = figure(rows(measured("a", slowest), measured("b", slowest / 3)))
    labels = [float(tick.label) for tick in drawn.ticks]
    assert labels[0] == 0
    assert labels[-1] > slowest
    assert labels[-1] < 2.5 * slowest
    assert 3 <= len(labels) <= 7
    assert np.ptp(np.diff(labels)) < 1e-9 * labels[-1]
    assert [tick.place for tick in drawn.ticks] == pytest.approx(np.linspace(0, 100, len(labels)))
    for box in drawn.boxes:
        assert 0 < box.low <= box.first <= box.middle <= box.third <= box.high <= 100


def test_runs_beyond_the_axis_are_told_not_drawn() -> None:
    alike = [10_000_000 + n for n in range(98)]
    end = float(figure(rows(measured(metrics={INFERENCE: Metric.of(alike)}))).ticks[-1].label)
    times = [*alike, int(1.02e6 * end), 500_000_000]
    (box,) = figure(rows(measured(metrics={INFERENCE: Metric.of(times)}))).boxes
    assert len(box.dots) == 98
    assert box.beyond == "2 slower runs beyond the axis, up to 500 ms"
    assert all(0 <= place <= 100 and 0 <= height <= 1 for place, height in box.dots)


def test_tool_without_raw_runs_gives_a_line() -> None:
    told = Metric((), Statistics(50, 9e6, 12e6, 1e7, None, 5e5))
    (row,) = rows(measured(metrics={INFERENCE: told}))
    (box,) = figure([row]).boxes
    assert box.low < box.first == box.middle == box.third < box.high
    assert box.dots == ()
    Reader(render_page(compare([Source("s", results(measured(metrics={INFERENCE: told})))])))


def test_times_of_zero_can_be_drawn() -> None:
    (row,) = rows(measured(metrics={INFERENCE: Metric.of([0, 0, 0])}))
    assert figure([row]).boxes[0].middle == 0


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(None, "–"), (1_234, "0.001"), (1.5e6, "1.50"), (12.34e6, "12.3"), (1.2345e9, "1234")],
)
def test_milliseconds_have_three_digits_that_count(nanoseconds: float | None, text: str) -> None:
    assert milliseconds(nanoseconds) == text


def test_page_is_written(tmp_path: Path) -> None:
    write_page(compare([Source("s", results())]), tmp_path / "new" / "page.html")
    assert "flowers" in Reader((tmp_path / "new" / "page.html").read_text("utf-8")).text
