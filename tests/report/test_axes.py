from __future__ import annotations

import re

import pytest

from packager.report.axes import Axes, Key, Scale, logarithmic, scale


def labels(of: Scale) -> list[str]:
    return [label for _, label in of.ticks]


def test_ticks_are_round_and_few() -> None:
    assert labels(scale([], low=0, high=1)) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert labels(scale([], low=-30, high=2_000)) == ["0", "500", "1000", "1500", "2000"]
    assert labels(scale([], low=0.7, high=0.7021, ticks=5)) == [
        "0.7000", "0.7005", "0.7010", "0.7015", "0.7020",
    ]  # fmt: skip
    for least, greatest in ((0, 1e-7), (-5, 5), (0.1, 0.11), (99, 1e9)):
        of = scale([least, greatest])
        assert 2 <= len(of.ticks) <= 7, (least, greatest)
        assert all(of.low <= value <= of.high for value, _ in of.ticks)
        assert len(set(labels(of))) == len(of.ticks)


def test_whole_numbers_and_one_value() -> None:
    assert labels(scale(range(1, 6), whole=True)) == ["1", "2", "3", "4", "5"]
    assert labels(scale([1], whole=True)) == ["1"]
    for value in (0.0, 0.75, -3.0, 1e6):
        assert scale([value]).share(value) == pytest.approx(0.5)


def test_share_of_a_value() -> None:
    assert scale([2, 4], margin=0.5).share(3) == 0.5
    assert scale([2, 4], margin=0.5).share(2) == 0.25
    assert scale([2, 4], low=0, margin=0).share(4) == 1
    of = logarithmic([70, 140, 280])
    assert of.share(140) == pytest.approx(0.5)
    assert 0 < of.share(70) < 0.1
    assert labels(of) == ["70", "140", "280"]
    assert logarithmic([70]).share(70) == pytest.approx(0.5)


def test_values_lie_within_the_frame_and_names_outside() -> None:
    keys = [Key(f"a rather long name of {n}", "blue", "", "circle") for n in range(5)]
    ticks = Scale(0, 2, ((0, "first\nsecond"), (2, "x")))
    axes = Axes((300, 200), scale([1, 2]), ticks, x_name="across", y_name="up", legend=keys)
    assert axes.at(1, 0)[0] > axes.left
    assert axes.at(1, 0)[1] == axes.bottom < 200
    assert axes.at(2, 2)[0] < axes.right < 300
    assert axes.at(2, 2)[1] == axes.top
    axes.curve([(1, 0), (2, 2)], "blue", marker="square")
    svg = axes.drawing.svg()
    assert svg.count("<polygon") == 2
    texts = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)<', svg)
    assert {"first", "second", "x", "across", "up", "1.0", "2.0"} <= {text for *_, text in texts}
    rows = {float(y) for _, y, text in texts if text.startswith("a rather")}
    assert len(rows) > 1  # as many as the width asks for
    assert max(rows) < axes.top
