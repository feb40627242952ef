"""Counts of each test's inputs, for the table at the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.counts import MUTATED_INPUTS


@pytest.fixture(autouse=True)
def counts(request: pytest.FixtureRequest, record_property: Callable[..., None]) -> Iterator[None]:
    from tests.fuzz.mutation import TALLIES  # after it is settled how many inputs

    yield
    if tally := TALLIES.pop(request.node.name, None):
        record_property(MUTATED_INPUTS, (tally.inputs, tally.refused, tally.faults))
