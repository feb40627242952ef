"""`android-sample/` is what the templates give, with nothing changed by hand."""

from __future__ import annotations

import filecmp
import os
from pathlib import Path

from packager.android.project import ASSETS, generate_project
from packager.written import BASE_FILE
from tests.android_project.test_project import snapshot
from tests.conftest import ROOT

SAMPLE = ROOT / "android-sample"


def test_sample_is_a_fresh_rendering_with_the_defaults(tmp_path: Path) -> None:
    """When it differs: `packager android ITS_MODEL --out android-sample --force`."""
    fresh = generate_project(SAMPLE / ASSETS / "model.tflite", tmp_path / "fresh").folder
    compared = filecmp.dircmp(fresh, SAMPLE, ignore=[])
    assert set(compared.left_only) <= {BASE_FILE}  # it would be 80 kB more with each commit
    assert compared.right_only == []
    assert os.access(SAMPLE / "gradlew", os.X_OK)
    assert {**snapshot(fresh), BASE_FILE: b""} == {**snapshot(SAMPLE), BASE_FILE: b""}
