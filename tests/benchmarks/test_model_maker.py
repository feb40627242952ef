"""The parts of benchmarks/model_maker.py that need no Model Maker."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from packager.clock import Clock, SharedWork
from packager.data.settings import PhotoSettings
from tests.conftest import PHOTOS


def row(mode: str, seed: int, top1: float, **more: Any) -> dict[str, Any]:
    return {"mode": mode, "seed": seed, "float": top1, "int8": top1 - 1, "seconds": 20.0, **more}


def theirs(mode: str, seed: int, top1: float, batch_size: int = 2) -> dict[str, Any]:
    views = {"float": {}, "int8": {"stretch": top1 - 2, "crop": top1}}
    return row(mode, seed, top1, views=views, epochs=10, batch_size=batch_size)


def test_a_modules_folder_is_the_sha1_of_its_address(script: ModuleType) -> None:
    """`printf %s ADDRESS | sha1sum`"""
    folder = script.module_folder(Path("modules"), script.LITE0)
    assert folder == Path("modules", "87f7b0d2504a48175f521bcaed174acabc93672c")


def test_the_table_has_the_seeds_that_all_lines_have(script: ModuleType) -> None:
    found = [theirs("none", 0, 80.0), theirs("none", 1, 84.0), theirs("none", 2, 10.0)]
    found += [theirs("full", seed, 90.0, batch_size=32) for seed in (0, 1)]
    lines = script.table(found, [row("none", seed, 88.0) for seed in (0, 1, 3)]).splitlines()
    assert lines[0] == "2 seeds: 0, 1"
    assert [line.split(" | ")[0] for line in lines[4:]] == [
        "| Model Maker, frozen, 10 epochs, batches of 2",
        "| Model Maker, fine-tuned, 10 epochs, batches of 32",
        "| packager, `none`",
    ]
    frozen, _, ours = (line.split(" | ")[1:] for line in lines[4:])
    assert frozen[0].startswith("82.0 (")
    assert frozen[1].startswith("81.0 (")
    assert frozen[2:] == ["80.0", "82.0", "20 |"]
    assert ours == ["88.0 (88.0 to 88.0)", "87.0 (87.0 to 87.0)", "", "", "20 |"]


def test_the_table_without_a_common_seed_says_so(script: ModuleType) -> None:
    assert script.table([theirs("none", 0, 80.0)], [row("none", 1, 80.0)]) == (
        "no seed has every line"
    )


def test_model_maker_gets_the_photos_that_are_not_for_testing(
    script: ModuleType, tmp_path: Path
) -> None:
    photos = script.look_at_photos(
        PhotoSettings(PHOTOS), 0, tmp_path / "out", shared=SharedWork(), clock=Clock()
    )
    script.link_photos(photos, tmp_path)
    for part in ("train", "validation"):
        linked = {each.resolve(): each.parent.name for each in (tmp_path / part).glob("*/*")}
        assert linked == {
            photo.path.resolve(): photos.folder.classes[photo.label]
            for photo in getattr(photos.split, part)
        }
