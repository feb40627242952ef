from __future__ import annotations

from pathlib import Path

import pytest

from packager.bench.settings import LatencySource
from packager.build import BuildSettings, HeadSettings, ModelSettings
from packager.errors import SettingsError
from packager.limits import Limits
from packager.recipe import Recipe


def test_what_only_auto_uses_is_refused_with_another_spec() -> None:
    auto = BuildSettings(model=ModelSettings("auto"))
    Recipe()
    Recipe(auto, Limits("20ms"), LatencySource(device="", apk=Path("a.apk")))
    with pytest.raises(SettingsError, match="--max-latency, --device, --apk: .* --spec lite0"):
        Recipe(BuildSettings(), Limits("20ms"), LatencySource(device="", apk=Path("a.apk")))


def test_a_refit_has_no_photos_left_to_choose_by() -> None:
    build = BuildSettings(model=ModelSettings("auto"), head=HeadSettings(refit=True))
    with pytest.raises(
        SettingsError, match="--refit: models are compared on the validation photos"
    ):
        Recipe(build)
