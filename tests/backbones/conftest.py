from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_cache(cache: Path) -> Path:
    """No test here looks into the user's cache."""
    return cache
