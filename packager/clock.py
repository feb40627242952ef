"""Seconds of each phase of a build, and work that several builds share."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

Value = TypeVar("Value")


class Clock:
    """Seconds of each phase, and of all from its making to `stop`.

    A phase within another one counts for itself only, so that no second counts twice.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()
        self._inside = 0.0  # seconds of phases within the one that is under way

    @contextlib.contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        begun, outside = time.monotonic(), self._inside
        self._inside = 0.0
        try:
            yield
        finally:
            spent = time.monotonic() - begun
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent - self._inside
            self._inside = outside + spent

    def count(self, seconds: dict[str, float]) -> None:
        """Adds what was measured before this clock was made, as if it were done again."""
        for phase, spent in seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent
            self._begun -= spent

    def stop(self) -> dict[str, float]:
        """All phases and their "total"."""
        return {**self.seconds, "total": time.monotonic() - self._begun}


class SharedWork:
    """Results that several builds share: computed once, their seconds counted in each."""

    def __init__(self) -> None:
        self._done: dict[Hashable, tuple[Any, dict[str, float]]] = {}

    def branch(self) -> SharedWork:
        """A copy: what it is given further goes when it does."""
        copy = SharedWork()
        copy._done.update(self._done)
        return copy

    def once(self, key: Hashable, clock: Clock, work: Callable[[], Value]) -> Value:
        """`work()`, or what it gave the first time; what it raises is not kept."""
        if key in self._done:
            value, seconds = self._done[key]
            clock.count(seconds)
        else:
            before = dict(clock.seconds)
            value = work()
            after = {name: spent - before.get(name, 0.0) for name, spent in clock.seconds.items()}
            self._done[key] = value, {name: spent for name, spent in after.items() if spent}
        result: Value = value
        return result
