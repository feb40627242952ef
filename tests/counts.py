"""What a run has counted, told at its end; the processes of `pytest -n` pass it on in reports."""

from __future__ import annotations

from collections import Counter

import pytest

# Names of a report's properties.
MUTATED_INPUTS = "mutated inputs"  # how many, how many were refused, faults
CHECKED = "checked in the pages"  # what, and how many of it


def write_mutated_inputs(reporter: pytest.TerminalReporter) -> None:
    """The table of `tests/fuzz`."""
    counted = {
        report.nodeid.rpartition("::")[2]: counts
        for report in reporter.getreports("")
        if report.when == "teardown"
        for name, counts in report.user_properties
        if name == MUTATED_INPUTS
    }
    if not counted:
        return
    reporter.section(MUTATED_INPUTS)
    reporter.line("| reader | inputs | refused | read | faults |")
    reporter.line("|---|---:|---:|---:|---:|")
    for name, (inputs, refused, faults) in sorted(counted.items()):
        reporter.line(
            f"| {name.removeprefix('test_fuzz_')} | {inputs:,} | {refused:,} "
            f"| {inputs - refused - faults:,} | {faults:,} |"
        )


def write_app(reporter: pytest.TerminalReporter) -> None:
    """What `tests/android` ran of the app."""
    passed = [
        report.nodeid.rpartition("::")[2]
        for report in reporter.getreports("passed")
        if report.when == "call" and "test_screens.py" in report.nodeid
    ]
    flows = sum(name.startswith("test_flow[") for name in passed)
    shown = [name for name in passed if name.startswith("test_picture[")]
    # Named DEVICE-STATE, and a device's name has two parts.
    states = {name.split("-", 2)[2] for name in shown}
    if flows or shown:
        reporter.write_line(
            f"Android app: {len(states)} screens run, {flows} flows driven, "
            f"{len(shown)} pictures compared"
        )


def write_docs(reporter: pytest.TerminalReporter) -> None:
    """How much of the pages `tests/docs` checked."""
    counts: Counter[str] = Counter()
    for report in reporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == CHECKED:
                what, number = value
                counts[what] += number
    if counts:
        reporter.section("docs")
        for what, count in sorted(counts.items()):
            reporter.line(f"{count:5} {what}")
