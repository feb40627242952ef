from __future__ import annotations

import json
from dataclasses import replace

import pytest

from packager.compare.rows import Latency, Row, Top1, mark_front
from packager.record import as_json
from tests.compare.made_up import on_pixel, row


def front(*rows: Row) -> list[str]:
    return [each.spec for each in mark_front(rows) if each.pareto]


def test_front_holds_what_nothing_beats_in_size_latency_and_accuracy() -> None:
    best = row("accurate", top1=0.95, ms=20, bytes=9)
    fast = row("fast", top1=0.80, ms=5, bytes=9)
    small = row("small", top1=0.80, ms=20, bytes=3)
    beaten = row("beaten", top1=0.80, ms=6, bytes=10)
    assert front(best, fast, small, beaten) == ["accurate", "fast", "small"]


def test_of_equal_rows_both_are_on_the_front() -> None:
    assert front(row("one"), row("other")) == ["one", "other"]


def test_better_in_one_measure_and_equal_in_the_others_beats() -> None:
    assert front(row("one", ms=10), row("other", ms=9)) == ["other"]


def test_accuracy_is_the_mean_of_both_views() -> None:
    lopsided = replace(row("lopsided", bytes=4_000_001), top1=Top1(1.0, 0.7))
    assert front(lopsided, row("even", top1=0.9)) == ["even"]


def test_rows_that_failed_are_not_on_the_front_and_beat_none() -> None:
    failed = Row("lite3", "Lite3", "int8", error="no weights")
    assert front(failed, row("unmeasured", host_latency_ms=None), row("lite0")) == ["lite0"]


def test_a_row_that_fell_behind_loses_its_mark() -> None:
    assert front(row("slow", ms=20, pareto=True), row("fast", ms=10)) == ["fast"]


def test_the_phone_counts_only_where_every_model_was_measured_there() -> None:
    one = row("one", ms=1, phone_latency_ms=on_pixel(9))
    other = row("other", ms=2, phone_latency_ms=on_pixel(3))
    assert front(one, other) == ["other"]
    assert front(one, row("other", ms=2)) == ["one"]
    assert front(one, other, Row("lite3", "Lite3", "int8", error="no weights")) == ["other"]


def test_a_latency_without_a_median_is_its_mean() -> None:
    assert Latency(3.0, None, 1).milliseconds == 3.0
    assert Latency(3.0, 2.0, 1).milliseconds == 2.0


@pytest.mark.parametrize(
    "made", [row(phone_latency_ms=on_pixel(3)), Row("lite3", "Lite3", "int8", error="no weights")]
)
def test_rows_come_back_from_json(made: Row) -> None:
    assert Row.from_json(json.loads(as_json(made))) == made


def test_a_row_of_unknown_fields_is_refused() -> None:
    with pytest.raises(TypeError):
        Row.from_json({"spec": "lite0", "colour": "red"})
