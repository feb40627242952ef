"""The measurement plan: threads, runs and warm-up; the same on host and phone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from packager.errors import SettingsError


@dataclass(frozen=True)
class Plan:
    """How each combination of model, accelerator and threads is measured.

    Attributes:
        threads: numbers of CPU threads, one combination each.
        runs: number of measured runs; at least `least_runs` once `run_seconds` are over.
        least_warmup, most_warmup: iterations before that, as long as it isn't steady;
            `warmup_seconds` end it after `least_warmup`.
        window, tolerance: it is steady when the median of the last `window` iterations differs
            by less than this share from the median of the `window` before.
        photos: maximum number of input photos, used in turn.
    """

    threads: tuple[int, ...] = (1, 2, 4)
    runs: int = 100
    least_runs: int = 10
    run_seconds: float = 30.0
    least_warmup: int = 10
    most_warmup: int = 200
    warmup_seconds: float = 10.0
    window: int = 10
    tolerance: float = 0.03
    photos: int = 20

    @property
    def silent_seconds(self) -> float:
        """How long a combination may say nothing before it counts as hung."""
        return 60 + 10 * (self.warmup_seconds + self.run_seconds)


@dataclass(frozen=True)
class WarmUp:
    """The result of the warm-up."""

    iterations: int
    steady: bool


def check_plan(plan: Plan) -> None:
    """Raises `SettingsError` when threads or runs are out of range."""
    if plan.runs < 1:
        raise SettingsError(f"{plan.runs} is out of range", where="--runs", fix="Use 1 or more.")
    if not plan.threads or min(plan.threads) < 1 or max(plan.threads) > 256:
        raise SettingsError(
            f"{','.join(map(str, plan.threads)) or 'none'} is out of range",
            where="--threads",
            fix="Use numbers from 1 to 256.",
        )
    if len(set(plan.threads)) < len(plan.threads):
        raise SettingsError(
            "a number is given twice", where="--threads", fix="Give each number once."
        )


def parse_threads(text: str) -> tuple[int, ...]:
    """ "1,2,4" as numbers; raises `SettingsError` for anything else."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(
            f"{text!r} is not a list of numbers", where="--threads", fix="Write it like 1,2,4."
        ) from None


def is_steady(times: Sequence[float], plan: Plan) -> bool:
    """Whether the last iterations took as long as those before them."""
    if len(times) < 2 * plan.window:
        return False
    before = statistics.median(times[-2 * plan.window : -plan.window])
    return abs(statistics.median(times[-plan.window :]) - before) < plan.tolerance * before


def warm_up(
    step: Callable[[int], float], plan: Plan, *, clock: Callable[[], float] = time.monotonic
) -> WarmUp:
    """Calls `step`, which gives its nanoseconds, with 0, 1, 2, ... until they are steady."""
    begun, times = clock(), list[float]()
    while len(times) < plan.most_warmup:
        times.append(step(len(times)))
        if is_steady(times, plan):
            return WarmUp(len(times), True)
        if len(times) >= plan.least_warmup and clock() - begun >= plan.warmup_seconds:
            break
    return WarmUp(len(times), False)


def run_out(
    step: Callable[[int], object], plan: Plan, *, clock: Callable[[], float] = time.monotonic
) -> int:
    """Calls `step` with 0, 1, 2, ... as often as the plan's runs say; gives how often."""
    begun = clock()
    for number in range(plan.runs):
        if number >= plan.least_runs and clock() - begun >= plan.run_seconds:
            return number
        step(number)
    return plan.runs
