from __future__ import annotations

import threading
import time

import pytest

from packager import pool


def test_results_come_in_the_items_order() -> None:
    def work(_: None, number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(pool.each(lambda: None, work, range(40), workers=4)) == [n * n for n in range(40)]


def test_each_thread_makes_one_tool() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(threading.get_ident())
        return made[-1]

    used = set(pool.each(make, lambda tool, _: tool, range(60), workers=3))
    assert len(made) <= 3
    assert used == set(made)


def test_waiting_results_are_bounded() -> None:
    begun: list[int] = []
    results = pool.each(lambda: None, lambda _, n: begun.append(n), range(1000), workers=2)
    next(results)
    time.sleep(0.1)
    assert len(begun) <= 16
    results.close()  # type: ignore[attr-defined]


def test_first_exception_ends_it() -> None:
    begun: list[int] = []

    def work(_: None, number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(pool.each(lambda: None, work, range(1000), workers=2))
    assert len(begun) < 100
