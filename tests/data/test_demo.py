from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from packager.data.demo import CLASSES, demo_photos
from packager.data.folder import scan_folder
from packager.errors import DataError


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.jpg"))
    }


def test_five_classes_of_usable_photos(tmp_path: Path, heard: Any) -> None:
    demo = demo_photos(tmp_path / "demo", per_class=4, progress=heard)
    found = scan_folder(demo, strict=True)
    assert found.classes == CLASSES
    assert len(CLASSES) == 5
    assert len(found.photos) == 20
    assert (found.ignored, found.duplicates) == (0, ())
    assert (heard.phases, heard.steps, heard.total) == (["Drawing demo photos"], 20, 20)
    sizes = {Image.open(photo.path).size for photo in found.photos}
    assert len(sizes) > 10
    assert all(240 <= side <= 360 for size in sizes for side in size)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    one, same, other = (
        contents(demo_photos(tmp_path / str(number), per_class=1, seed=seed))
        for number, seed in enumerate((5, 5, 6))
    )
    assert one == same
    assert not {*one.values()} & {*other.values()}


def test_more_photos_keep_the_first(tmp_path: Path) -> None:
    few = contents(demo_photos(tmp_path / "few", per_class=1))
    more = contents(demo_photos(tmp_path / "more", per_class=3))
    assert few.items() < more.items()


def test_made_once_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Any
) -> None:
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path))
    first = demo_photos(per_class=1)
    assert first.parent == tmp_path
    assert first.name.startswith("demo-")
    assert demo_photos(per_class=1, progress=heard) == first
    assert heard.phases == []
    assert demo_photos(per_class=1, seed=1) != first


@pytest.mark.parametrize("damage", ["deleted", "changed", "one too many", "class gone"])
def test_damaged_set_is_made_anew(tmp_path: Path, damage: str) -> None:
    demo = demo_photos(tmp_path / "demo", per_class=1)
    before = contents(demo)
    path = demo / next(iter(before))
    match damage:
        case "deleted":
            path.unlink()
        case "changed":
            path.write_bytes(path.read_bytes()[:-1])
        case "one too many":
            path.with_name(path.name.replace("0000", "0009")).write_bytes(path.read_bytes())
        case _:
            for file in path.parent.iterdir():
                file.unlink()
            path.parent.rmdir()
    assert contents(demo_photos(demo, per_class=1)) == before


@pytest.mark.parametrize("name", ["holiday.jpg", "cup/my-own.jpg"])
def test_folders_of_others_are_not_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(DataError, match="contains files other than demo photos"):
        demo_photos(tmp_path, per_class=1)
    assert (tmp_path / name).read_bytes() == b"precious"
    with pytest.raises(DataError, match="contains files other"):
        demo_photos(tmp_path / name, per_class=1)


def test_unwritable_and_senseless(tmp_path: Path) -> None:
    (tmp_path / "flat").write_bytes(b"")
    with pytest.raises(DataError, match="demo photos can't be written"):
        demo_photos(tmp_path / "flat" / "demo", per_class=1)
    with pytest.raises(DataError, match="0 demo photos per class are too few"):
        demo_photos(tmp_path / "demo", per_class=0)


def histogram(path: Path) -> np.ndarray[Any, Any]:
    """4 x 4 x 4 bins of RGB, square root of the shares."""
    pixels = np.asarray(Image.open(path).convert("RGB").resize((96, 96))).reshape(-1, 3) // 64
    bins = np.bincount(pixels @ [16, 4, 1], minlength=64)
    return np.sqrt(bins / bins.sum())


@pytest.mark.slow
def test_colours_do_not_give_the_class_away(tmp_path: Path) -> None:
    found = scan_folder(demo_photos(tmp_path / "demo", per_class=60))
    features = np.array([histogram(photo.path) for photo in found.photos])
    labels = np.array([photo.label for photo in found.photos])
    order = np.random.default_rng(0).permutation(len(labels))
    scores = []
    for held in np.array_split(order, 5):
        rest = np.setdiff1d(order, held)
        # A linear classifier by ridge regression, at the better of three strengths.
        x, y = np.c_[features[rest], np.ones(len(rest))], np.eye(5)[labels[rest]]
        test = np.c_[features[held], np.ones(len(held))]
        guesses = [
            test @ np.linalg.solve(x.T @ x + strength * np.eye(65), x.T @ y)
            for strength in (0.01, 0.1, 1)
        ]
        centroids = np.array([features[rest][labels[rest] == label].mean(0) for label in range(5)])
        guesses.append(-((features[held][:, None] - centroids) ** 2).sum(-1))
        scores.append([(guess.argmax(1) == labels[held]).mean() for guess in guesses])
    assert np.mean(scores, axis=0).max() < 0.4


def test_shapes_do_give_it_away() -> None:
    from packager.data.drawings import DRAWINGS, Pen

    outlines = {}
    for name, draw in DRAWINGS.items():
        pen = Pen(64, (200, 60, 60), (60, 60, 200), np.random.default_rng(0))
        draw(pen)
        outlines[name] = np.asarray(pen.image)[..., 3] > 0
    for one, other in itertools.combinations(outlines.values(), 2):
        assert (one & other).sum() / (one | other).sum() < 0.85
