"""Samples of training that stay in memory, so that later epochs need not read them again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import numpy as np

from packager.training.features import MEMORY_BUDGET

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Values by key: the first ones, up to `MEMORY_BUDGET` bytes. Threads may share it."""

    def __init__(self, size: Callable[[Value], int]) -> None:
        """`size` gives the bytes of a value."""
        self._size, self._left = size, MEMORY_BUDGET
        self._values: dict[Hashable, Value] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `key`, which `make` makes where it isn't kept."""
        try:
            return self._values[key]
        except KeyError:
            value = make()
        with self._lock:
            if key not in self._values and self._size(value) <= self._left:
                self._left -= self._size(value)
                self._values[key] = value
        return value


def kept_arrays() -> Kept[np.ndarray[Any, Any]]:
    """An empty one for arrays."""
    return Kept(lambda array: array.nbytes)
