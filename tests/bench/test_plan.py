from __future__ import annotations

import pytest

from packager.bench.plan import Plan, check_plan, is_steady, parse_threads, run_out, warm_up
from packager.errors import SettingsError


class Clock:
    """Seconds, which pass only when a step takes them."""

    def __init__(self, *times: float) -> None:
        self.now, self.times, self.steps = 0.0, times, list[int]()

    def __call__(self) -> float:
        return self.now

    def step(self, number: int) -> float:
        """Takes its time, the last one for ever; gives nanoseconds."""
        self.steps.append(number)
        seconds = self.times[min(number, len(self.times) - 1)]
        self.now += seconds
        return 1e9 * seconds


def test_steady_from_the_start_takes_two_windows() -> None:
    clock = Clock(0.01)
    warmed = warm_up(clock.step, Plan(), clock=clock)
    assert (warmed.iterations, warmed.steady) == (20, True)
    assert clock.steps == list(range(20))


def test_slow_beginning_is_waited_out() -> None:
    clock = Clock(*[0.05] * 15, 0.01)
    warmed = warm_up(clock.step, Plan(), clock=clock)
    # Most of the 10 before the last 10 have to be fast ones: 16 to 20 and one more.
    assert (warmed.iterations, warmed.steady) == (31, True)


def test_never_steady_ends_at_the_most_iterations() -> None:
    clock = Clock(*(0.001 * 1.01**n for n in range(200)))  # slower and slower
    warmed = warm_up(clock.step, Plan(), clock=clock)
    assert (warmed.iterations, warmed.steady) == (200, False)


@pytest.mark.parametrize(("seconds", "iterations"), [(4.0, 10), (0.6, 17), (30.0, 10)])
def test_time_limit_ends_it_after_the_least_iterations(seconds: float, iterations: int) -> None:
    clock = Clock(seconds)
    warmed = warm_up(clock.step, Plan(), clock=clock)
    assert (warmed.iterations, warmed.steady) == (iterations, False)


@pytest.mark.parametrize(("share", "steady"), [(0.0299, True), (0.0301, False), (-0.0299, True)])
def test_three_percent_decide(share: float, steady: bool) -> None:
    assert is_steady([100.0] * 10 + [100.0 * (1 + share)] * 10, Plan()) is steady


def test_a_few_outliers_do_not_count() -> None:
    assert is_steady([100.0] * 7 + [900.0] * 3 + [100.0] * 7 + [5.0] * 3, Plan())


def test_as_many_runs_as_asked_for() -> None:
    clock = Clock(0.01)
    assert run_out(clock.step, Plan(), clock=clock) == 100
    assert clock.steps == list(range(100))


@pytest.mark.parametrize(("seconds", "runs"), [(1.0, 30), (10.0, 10), (0.5, 60)])
def test_time_limit_ends_the_runs_after_the_least(seconds: float, runs: int) -> None:
    clock = Clock(seconds)
    assert run_out(clock.step, Plan(), clock=clock) == runs


def test_fewer_runs_than_the_least_when_asked_for() -> None:
    assert run_out(Clock(10.0).step, Plan(runs=3), clock=Clock(0)) == 3


def test_silence_is_far_longer_than_what_may_take_long() -> None:
    assert Plan().silent_seconds > 10 * (Plan().run_seconds + Plan().warmup_seconds)
    assert Plan(run_seconds=0, warmup_seconds=0).silent_seconds >= 60


def test_threads_as_text() -> None:
    assert parse_threads("1, 2,8") == (1, 2, 8)
    for text in ("", "1,,2", "two", "1.5"):
        with pytest.raises(SettingsError, match=r"--threads: .*Write it like 1,2,4"):
            parse_threads(text)


@pytest.mark.parametrize(
    ("plan", "where"),
    [
        (Plan(runs=0), "--runs"),
        (Plan(threads=(0,)), "--threads"),
        (Plan(threads=()), "--threads"),
        (Plan(threads=(1, 10_000)), "--threads"),
        (Plan(threads=(2, 2)), "--threads"),
    ],
)
def test_settings_out_of_range(plan: Plan, where: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        check_plan(plan)
    assert refusal.value.where == where
