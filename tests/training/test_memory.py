from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from packager.training import memory
from packager.training.memory import Kept


def make(text: str) -> Callable[[], str]:
    return lambda: text


def test_the_first_values_are_kept_up_to_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MEMORY_BUDGET", 5)
    kept: Kept[str] = Kept(len)
    assert kept.get("a", make("123")) == "123"
    assert kept.get("b", make("1234")) == "1234"  # too large
    assert kept.get("c", make("12")) == "12"
    assert kept.get("d", make("1")) == "1"  # nothing is left
    assert [kept.get(key, make("")) for key in "abcd"] == ["123", "", "12", ""]


def test_a_value_that_several_threads_make_at_once_counts_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "MEMORY_BUDGET", 2)
    kept: Kept[str] = Kept(len)
    together = Barrier(3, timeout=60)

    def make_together() -> str:
        together.wait()
        return "1"

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: kept.get("a", make_together), range(3)))
    kept.get("b", make("2"))
    assert kept.get("b", make("")) == "2"
