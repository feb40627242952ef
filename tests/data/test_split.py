from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from packager.data.folder import Photo, PhotoFolder
from packager.data.shares import parse_split
from packager.data.split import Split, split_photos
from packager.errors import DataError, SettingsError


def sha(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def folder(*contents: list[str], presplit: bool = False) -> PhotoFolder:
    """A folder with a class for each list of contents; the same content is the same bytes."""
    photos = [
        Photo(Path(f"/photos/{label}/{number}.jpg"), label, sha(content))
        for label, names in enumerate(contents)
        for number, content in enumerate(names)
    ]
    classes = tuple(f"class{label}" for label in range(len(contents)))
    return PhotoFolder(Path("/photos"), classes, tuple(photos), (), 0, (), (), presplit)


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def parts(split: Split) -> dict[str, str]:
    return {
        photo.sha256: part
        for part in ("train", "validation", "test")
        for photo in getattr(split, part)
    }


@pytest.mark.parametrize("text", ["80/10/10", "0.8/0.1/0.1", " 8 / 1 / 1 ", "1600/200/200"])
def test_parse_split(text: str) -> None:
    assert parse_split(text) == pytest.approx((0.8, 0.1, 0.1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "80",
        "80/20",
        "80/10/5/5",
        "80/10/",
        "a/b/c",
        "90/10/0",
        "120/-10/-10",
        "nan/1/1",
        "inf/1/1",
    ],
)
def test_parse_split_refuses(text: str) -> None:
    with pytest.raises(SettingsError, match="is not a split. Give three positive shares") as caught:
        parse_split(text)
    assert caught.value.where == "--split"


def test_fractions_are_met_in_each_class_and_every_photo_is_used() -> None:
    photos = folder(names("a", 4000), names("b", 2000))
    split = split_photos(photos, (0.7, 0.2, 0.1))
    assert len({*split.train, *split.validation, *split.test}) == 6000
    for label, count in ((0, 4000), (1, 2000)):
        for part, share in ((split.train, 0.7), (split.validation, 0.2), (split.test, 0.1)):
            assert sum(p.label == label for p in part) / count == pytest.approx(share, abs=0.03)


def test_order_is_that_of_the_folder() -> None:
    photos = folder(names("a", 200), names("b", 200))
    for part in vars(split_photos(photos)).values():
        assert list(part) == sorted(part, key=photos.photos.index)


def test_added_photos_move_none() -> None:
    before = parts(split_photos(folder(names("a", 100), names("b", 100))))
    grown = folder(names("c", 50), names("b", 300), [*names("new", 70), *names("a", 100)])
    after = parts(split_photos(grown))
    assert {digest: after[digest] for digest in before} == before


def test_removed_photos_move_none() -> None:
    before = parts(split_photos(folder(names("a", 300), names("b", 300))))
    after = parts(split_photos(folder(names("a", 150), names("b", 200))))
    assert after == {digest: before[digest] for digest in after}


def test_seed_changes_the_split_and_repeats_it() -> None:
    photos = folder(names("a", 100), names("b", 100))
    assert split_photos(photos, seed=3) == split_photos(photos, seed=3)
    assert split_photos(photos, seed=3) != split_photos(photos, seed=4)


def test_identical_photos_share_a_part() -> None:
    twice = [name for name in names("a", 60) for _ in (0, 1)]
    for seed in range(5):
        split = split_photos(folder(twice, [*names("b", 60), *names("a", 10)]), seed=seed)
        found = [{photo.sha256 for photo in part} for part in vars(split).values()]
        assert sum(map(len, found)) == len(set.union(*found)) == 120


def test_other_fractions_move_only_what_they_must() -> None:
    photos = folder(names("a", 500), names("b", 500))
    small = split_photos(photos, (0.8, 0.1, 0.1))
    large = split_photos(photos, (0.6, 0.2, 0.2))
    assert {*small.test} < {*large.test}
    assert {*large.train} < {*small.train}


@pytest.mark.parametrize("count", [3, 4, 5, 8, 15])
def test_tiny_classes_are_in_every_part(count: int) -> None:
    for seed in range(40):
        split = split_photos(folder(names("a", count), names("b", 200)), seed=seed)
        for part in vars(split).values():
            assert {photo.label for photo in part} == {0, 1}


def test_only_what_is_lacking_moves() -> None:
    tiny, big = names("a", 6), names("b", 300)
    moved = 0
    for seed in range(40):
        free = parts(split_photos(folder(big, [*tiny, *names("a-more", 300)]), seed=seed))
        held = parts(split_photos(folder(big, tiny), seed=seed))
        assert all(held[sha(name)] == free[sha(name)] for name in big)
        lacking = 3 - len({free[sha(name)] for name in tiny})
        changed = sum(held[sha(name)] != free[sha(name)] for name in tiny)
        assert changed == lacking
        moved += changed
    assert moved > 0


def test_a_photo_of_two_tiny_classes_moves_for_both() -> None:
    for seed in range(40):
        split = split_photos(folder(["x", "y", "z", "a"], ["x", "y", "z", "b"]), seed=seed)
        counts = Counter((p.label, part) for part, ps in vars(split).items() for p in ps)
        assert len(counts) == 6
        assert len(parts(split)) == 5


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (["x"], "1 different photo,"),
        (["x", "y"], "2 different photos,"),
        (["x", "x", "y"], "2 diff"),
    ],
)
def test_class_too_small(contents: list[str], said: str) -> None:
    with pytest.raises(DataError, match=f"the class 'class1' has {said}") as caught:
        split_photos(folder(names("a", 50), contents))
    assert "three or more that differ" in caught.value.fix


@pytest.mark.parametrize("fractions", [(1.0, 0.0, 0.0), (0.5, 0.6, -0.1), (float("nan"), 1, 1)])
def test_nonsense_fractions(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(SettingsError, match="is not a split"):
        split_photos(folder(names("a", 9), names("b", 9)), fractions)


def test_presplit_parts_are_kept() -> None:
    photos = folder(["a", "b", "c"], ["d", "e", "f"], presplit=True)
    given = [
        replace(photo, part=("train", "validation", "test")[number % 3])
        for number, photo in enumerate(photos.photos)
    ]
    split = split_photos(replace(photos, photos=tuple(given)), seed=9)
    assert split == Split(*(tuple(given[start::3]) for start in range(3)))
