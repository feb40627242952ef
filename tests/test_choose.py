from __future__ import annotations

import pytest

from packager.choose import Candidate, candidate, choose
from packager.compare.rows import Row, Top1
from packager.errors import LimitsError
from packager.limits import Limits
from tests.compare.made_up import row

PHOTOS = 40


def made(spec: str, accuracy: float, ms: float | None = 10.0, size: int = 4_000_000) -> Row:
    latency = {"ms": ms} if ms is not None else {"host_latency_ms": None}
    return row(spec, bytes=size, top1=accuracy, **latency)


def candidates(*rows: Row, **limits: str) -> list[Candidate]:
    """Their accuracy over the test photos stands for that over the validation photos."""
    return [
        candidate(each, each.top1, each.host_latency_ms, Limits(**limits))  # type: ignore[arg-type]
        for each in rows
    ]


def chosen(*rows: Row, **limits: str) -> tuple[str, str | None]:
    best, runner_up = choose(candidates(*rows, **limits), PHOTOS)
    return best.row.spec, runner_up.row.spec if runner_up else None


def test_the_most_accurate_wins_when_it_is_more_than_a_photo_ahead() -> None:
    assert chosen(made("fast", 0.80, 5), made("good", 0.90, 20)) == ("good", "fast")


def test_within_one_photo_the_fastest_wins() -> None:
    fast, good = made("fast", 0.90 - 1 / PHOTOS, 5), made("good", 0.90, 20)
    assert chosen(good, fast) == ("fast", "good")
    assert chosen(good, made("fast", 0.90 - 1.5 / PHOTOS, 5)) == ("good", "fast")


def test_of_equally_fast_ones_the_more_accurate_wins() -> None:
    assert chosen(made("b", 0.89, 5), made("a", 0.90, 5)) == ("a", "b")


def test_what_is_beyond_a_limit_is_left_out() -> None:
    rows = made("slow", 0.95, 30), made("large", 0.94, 10, 9_000_000), made("fits", 0.80, 10)
    assert chosen(*rows, max_latency="20ms", max_size="8MB") == ("fits", None)
    assert chosen(*rows, max_latency="20ms") == ("large", "fits")
    assert chosen(*rows, max_latency="30ms", max_size="4MB") == ("slow", "fits")  # limits count


def test_accuracy_decides_by_both_views() -> None:
    lopsided = candidate(made("lopsided", 0.9), Top1(1.0, 0.7), None, Limits(min_accuracy=0.86))
    assert lopsided.misses == ("1 points too inaccurate",)


def test_a_model_that_could_not_be_measured_misses_a_limit_of_latency_only() -> None:
    unmeasured, other = made("unmeasured", 0.95, None), made("other", 0.80)
    assert chosen(unmeasured, other, max_latency="20ms") == ("other", None)
    assert chosen(unmeasured, other) == ("unmeasured", "other")


def test_a_model_that_could_not_be_built_is_never_chosen() -> None:
    failed = Row("lite3", "Lite3", "int8", error="no weights")
    assert chosen(failed, made("lite0", 0.5)) == ("lite0", None)


def test_when_none_fits_the_nearest_is_named_with_what_it_misses() -> None:
    rows = made("slow", 0.95, 30), made("near", 0.80, 22, 9_000_000), Row("x", "X", "int8")
    with pytest.raises(LimitsError) as refused:
        chosen(*rows, max_latency="20ms", max_size="8MB")
    assert "the nearest, near, is 2 ms too slow and 1 MB too large" in str(refused.value)
    assert "80.0 % of the validation photos, 9.0 MB, 22.0 ms" in str(refused.value)
