from __future__ import annotations

import pytest

from packager.errors import SettingsError
from packager.specs import SPECS, get_spec


def test_input_sizes_and_conventions() -> None:
    sizes = {name: spec.input_size for name, spec in SPECS.items()}
    assert sizes == {
        "lite0": 224, "lite1": 240, "lite2": 260, "lite3": 280, "lite4": 300, "mobilenet_v2": 224,
    }  # fmt: skip
    for name, spec in SPECS.items():
        assert spec.name == name
        assert spec.feature_size == 1280
        lowest, highest = -spec.mean / spec.std, (255 - spec.mean) / spec.std
        assert -1 <= lowest < 0 < highest <= 1


def test_a_spec_is_found_by_name() -> None:
    assert get_spec("lite2").title == "EfficientNet-Lite2"


def test_an_unknown_name_gives_those_there_are() -> None:
    with pytest.raises(SettingsError) as caught:
        get_spec("lite5")
    assert "'lite5'" in caught.value.what
    assert all(name in caught.value.fix for name in SPECS)
