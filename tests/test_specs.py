from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from packager import specs
from packager.errors import SettingsError
from packager.specs import SPECS, BackboneFile, get_spec, register, registered_build


def test_input_sizes_and_conventions() -> None:
    sizes = {name: spec.input_size for name, spec in SPECS.items()}
    assert sizes == {
        "lite0": 224, "lite1": 240, "lite2": 260, "lite3": 280, "lite4": 300, "mobilenet_v2": 224,
        "mobilenet_v3_l": 224, "mobilenet_v4_s": 224, "mobilenet_v4_m": 256,
        "efficientnet_v2_b0": 224, "resnet50": 224,
    }  # fmt: skip
    for name, spec in SPECS.items():
        assert spec.name == name
        assert spec.feature_size == (2048 if name == "resnet50" else 1280)
        lowest, highest = -spec.mean / spec.std, (255 - spec.mean) / spec.std
        assert -1 <= lowest <= 0 < highest <= 1


def test_a_spec_is_found_by_name() -> None:
    assert get_spec("lite2").title == "EfficientNet-Lite2"


def test_an_unknown_name_gives_those_there_are() -> None:
    with pytest.raises(SettingsError) as caught:
        get_spec("lite5")
    assert "'lite5'" in caught.value.what
    assert all(name in caught.value.fix for name in SPECS)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(specs, "SPECS", dict(specs.SPECS))
    monkeypatch.setattr(specs, "_builds", {})


MINE = replace(get_spec("lite0"), name="mine", title="Mine")
FILE = BackboneFile(Path("mine.keras"), (0, 0, 0), (1, 1, 1))


def build(spec: specs.ModelSpec) -> object:
    raise AssertionError("not asked before a build")


def test_a_registered_spec_is_found_by_name(registry: None) -> None:
    register(MINE, build)
    assert get_spec("mine") is MINE
    assert registered_build(MINE) is build
    assert registered_build(get_spec("lite0")) is None
    with pytest.raises(SettingsError, match="mine"):
        get_spec("other")
    register(replace(MINE, name="filed", feature_size=0, source=FILE))
    assert get_spec("filed").source == FILE


def test_names_do_not_clash(registry: None) -> None:
    register(MINE, build)
    for name in ("mine", "lite0"):
        with pytest.raises(SettingsError, match=f"already a model spec '{name}'"):
            register(replace(MINE, name=name), build)


@pytest.mark.parametrize("name", ["", "../mine", "my net", ".hidden", "-x"])
def test_a_name_must_do_as_part_of_a_files_name(registry: None, name: str) -> None:
    with pytest.raises(SettingsError, match="can't be the name"):
        register(replace(MINE, name=name), build)


def test_a_spec_needs_a_function_or_a_file(registry: None) -> None:
    for spec, function in ((MINE, None), (replace(MINE, source=FILE), build)):
        with pytest.raises(SettingsError, match="either a function"):
            register(spec, function)


@pytest.mark.parametrize("change", [{"input_size": 0}, {"std": 0.0}, {"feature_size": 0}])
def test_numbers_out_of_range(registry: None, change: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="out of range"):
        register(replace(MINE, **change), build)  # type: ignore[arg-type]
