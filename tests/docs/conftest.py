"""How much of the pages was checked, told at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

CHECKED = "checked in the pages"


Count = Callable[[str, int], None]


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Adds to the counts: what was checked, and how many of it."""
    return lambda what, number: record_property(CHECKED, (what, number))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == CHECKED:
                counts.update(dict([value]))
    if counts:
        terminalreporter.section("docs")
        for what, count in sorted(counts.items()):
            terminalreporter.line(f"{count:5} {what}")
