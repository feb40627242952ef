from pathlib import Path

import pytest

from packager.bench.run import bench_models
from packager.errors import SettingsError


@pytest.mark.parametrize(
    ("flag", "given"),
    [
        ("--apk", {"apk": Path("harness.apk")}),
        ("--project", {"project": Path("android")}),
        ("--binary", {"binary": Path("benchmark_model")}),
        ("--profile", {"profile": True}),
        ("--engine", {"engine": "benchmark_model"}),
    ],
)
def test_what_is_for_a_phone_is_refused_without_one(flag: str, given: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=f"{flag}: it only applies to a phone"):
        bench_models([Path("model.tflite")], **given)  # type: ignore[arg-type]
