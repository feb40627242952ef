from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from tests.conftest import ROOT


@pytest.fixture
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark that the test's file is named after."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module(request.path.stem.removeprefix("test_"))
