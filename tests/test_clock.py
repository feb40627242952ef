import time

import pytest

from packager.clock import Clock, SharedWork


def test_a_phase_that_comes_twice_adds_up() -> None:
    clock = Clock()
    for _ in range(2):
        with clock("data"):
            time.sleep(0.01)
    assert clock.seconds["data"] >= 0.02
    assert clock.stop()["total"] >= clock.seconds["data"]


def test_a_phase_within_another_counts_for_itself_only() -> None:
    clock = Clock()
    with clock("quantization"):
        time.sleep(0.01)
        with clock("evaluation"):
            time.sleep(0.05)
    assert clock.seconds["evaluation"] >= 0.05
    assert 0.01 <= clock.seconds["quantization"] < 0.05
    assert sum(clock.seconds.values()) <= clock.stop()["total"]


def test_shared_work_is_done_once_and_counted_in_each_clock() -> None:
    shared, made = SharedWork(), []
    clocks = [Clock(), Clock()]
    for clock in clocks:

        def work(clock: Clock = clock) -> str:
            with clock("training"):
                time.sleep(0.02)
            made.append(1)
            return "head"

        assert shared.once(("training", "lite0"), clock, work) == "head"
    assert made == [1]
    assert clocks[0].seconds["training"] == clocks[1].seconds["training"]
    assert clocks[1].stop()["total"] >= 0.02


def test_work_that_failed_is_done_again() -> None:
    shared, clock = SharedWork(), Clock()

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shared.once("key", clock, fail)
    assert shared.once("key", clock, lambda: 1) == 1


def test_a_branch_knows_what_was_done_before_and_keeps_its_own_to_itself() -> None:
    shared, clock = SharedWork(), Clock()
    shared.once("photos", clock, lambda: 1)
    branch = shared.branch()
    assert branch.once("photos", clock, lambda: 2) == 1
    branch.once("head", clock, lambda: 3)
    assert shared.once("head", clock, lambda: 4) == 4
