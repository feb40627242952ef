"""How much of the pages was checked, told at the end of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.counts import CHECKED

Count = Callable[[str, int], None]


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Adds to the counts: what was checked, and how many of it."""
    return lambda what, number: record_property(CHECKED, (what, number))
