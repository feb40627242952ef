"""The table of counts at the end of a run."""

from __future__ import annotations

import pytest

from tests.fuzz.mutation import TALLIES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not TALLIES:
        return
    terminalreporter.section("mutated inputs")
    terminalreporter.line("| reader | inputs | refused | read | faults |")
    terminalreporter.line("|---|---:|---:|---:|---:|")
    for name, tally in sorted(TALLIES.items()):
        read = tally.inputs - tally.refused - tally.faults
        terminalreporter.line(
            f"| {name.removeprefix('test_fuzz_')} | {tally.inputs:,} | {tally.refused:,} "
            f"| {read:,} | {tally.faults:,} |"
        )
