from __future__ import annotations

import io
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageEnhance

from packager.data import near_duplicates as near
from packager.data.folder import Photo, PhotoFolder, scan_folder
from packager.data.look import Look, LookStore, look_at
from packager.data.near_duplicates import linked, near_duplicates, similar_pairs
from packager.data.split import split_photos


def shot(photo: Image.Image, seed: int, shift: float = 0.03) -> bytes:
    """The photo as the next of a burst: moved, turned a little, in other light, saved again."""
    draw = random.Random(seed)
    width, height = photo.size
    left, top = (draw.uniform(0, 2 * shift) * side for side in (width, height))
    turned = photo.rotate(draw.uniform(-1, 1), Image.Resampling.BICUBIC)
    frame = (int(left), int(top), int(left + width * (1 - 2 * shift)),
             int(top + height * (1 - 2 * shift)))  # fmt: skip
    other = ImageEnhance.Brightness(turned.crop(frame)).enhance(draw.uniform(0.9, 1.1))
    scale = draw.uniform(0.6, 1)
    content = io.BytesIO()
    other.resize((int(width * scale), int(height * scale))).save(content, "JPEG", quality=75)
    return content.getvalue()


@pytest.fixture(scope="module")
def photos(flowers: Path) -> list[Image.Image]:
    return [Image.open(path).convert("RGB") for path in sorted(flowers.glob("*/*.jpg"))]


def folder(looks: dict[str, Look], labels: dict[str, int]) -> PhotoFolder:
    photos = tuple(Photo(Path(f"/{sha}.jpg"), labels[sha], sha) for sha in looks)
    classes = tuple(f"class{label}" for label in range(max(labels.values()) + 1))
    return PhotoFolder(Path("/"), classes, photos, (), 0, (), (), False, looks)


def test_bursts_are_grouped_and_others_are_not(photos: list[Image.Image]) -> None:
    looks = [look_at(shot(photo, seed)) for photo in photos[::2] for seed in range(3)]
    groups = linked(len(looks), similar_pairs(looks))
    assert groups == [[start, start + 1, start + 2] for start in range(0, len(looks), 3)]


def test_blocks_are_compared_with_all_others(
    photos: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = [look_at(shot(photo, seed)) for seed in range(2) for photo in photos[:9]]
    whole = sorted(similar_pairs(looks))
    assert whole == [(number, number + 9) for number in range(9)]
    monkeypatch.setattr(near, "_BLOCK", 4)
    assert sorted(similar_pairs(looks)) == whole


def test_one_colour_all_over_is_like_no_other() -> None:
    content = [io.BytesIO() for _ in range(3)]
    for level, each in enumerate(content):
        Image.new("RGB", (50, 50), (level * 60,) * 3).save(each, "PNG")
    looks = [look_at(each.getvalue()) for each in content]
    assert not list(similar_pairs(looks))
    assert not list(similar_pairs(looks[:1]))


def test_pairs_link_to_groups() -> None:
    pairs = iter([(5, 6), (1, 3), (3, 5), (8, 9)])
    assert linked(10, pairs) == [[1, 3, 5, 6], [8, 9]]


def test_a_group_is_in_one_part_whatever_the_seed(photos: list[Image.Image]) -> None:
    names = {
        f"{n:02}-{s}": look_at(shot(p, s)) for n, p in enumerate(photos[:30]) for s in range(2)
    }
    made = folder(names, {name: int(name[:2]) // 10 for name in names})
    groups = near_duplicates(made)
    assert Counter(groups.of.values()) == {f"{n:02}-0": 2 for n in range(30)}
    assert groups.broken == ()
    alone = 0
    for seed in range(8):
        split = split_photos(made, (0.6, 0.2, 0.2), seed, groups.of)
        parts = {p.sha256: part for part, of in vars(split).items() for p in of}
        assert all(parts[f"{n:02}-0"] == parts[f"{n:02}-1"] for n in range(30))
        assert all({photo.label for photo in part} == {0, 1, 2} for part in vars(split).values())
        single = split_photos(made, (0.6, 0.2, 0.2), seed)
        parts = {p.sha256: part for part, of in vars(single).items() for p in of}
        alone += sum(parts[f"{n:02}-0"] != parts[f"{n:02}-1"] for n in range(30))
    assert alone > 60  # of 240: what would be trained on and measured


def test_a_newcomer_moves_a_group_only_when_it_names_it() -> None:
    count = 400
    many = {f"{n:04}": Look(1, 1, "PNG", 0, 0, 0, 0, b"") for n in range(3 * count)}
    made = folder(many, {name: int(name) % 2 for name in many})
    groups = {f"{n + k * count:04}": f"{n:04}" for n in range(count) for k in range(3)}
    before = split_photos(made, groups={k: v for k, v in groups.items() if int(k) < 2 * count})
    after = split_photos(made, groups=groups)
    old = {p.sha256: part for part, of in vars(before).items() for p in of}
    new = {p.sha256: part for part, of in vars(after).items() for p in of}
    assert all(old[f"{n:04}"] == new[f"{n:04}"] == new[f"{n + 2 * count:04}"] for n in range(count))


def test_classes_that_look_all_the_same_are_not_grouped(photos: list[Image.Image]) -> None:
    looks = {f"a{seed}": look_at(shot(photos[0], seed)) for seed in range(6)}
    looks |= {f"b{n}": look_at(shot(photo, 0)) for n, photo in enumerate(photos[10:16])}
    looks["b6"] = look_at(shot(photos[10], 1))
    made = folder(looks, {name: "ab".index(name[0]) for name in looks})
    groups = near_duplicates(made)
    assert groups.broken == ("class0",)
    assert groups.of == {"b0": "b0", "b6": "b0"}
    split_photos(made, groups=groups.of)  # has photos of each class for each part


def test_a_fixed_camera_is_told(photos: list[Image.Image], monkeypatch: pytest.MonkeyPatch) -> None:
    looks = {f"{n}": look_at(shot(photos[0], n)) for n in range(12)}
    made = folder(looks, {name: int(name) % 2 for name in looks})
    monkeypatch.setattr(near, "_MOST_PAIRS", 4)
    groups = near_duplicates(made)
    assert (groups.of, groups.broken, groups.contradictions) == ({}, made.classes, ())


def test_copies_and_folders_without_looks(photos: list[Image.Image], tmp_path: Path) -> None:
    for number, photo in enumerate(photos[:8]):
        path = tmp_path / f"photos/{'ab'[number % 2]}/{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(shot(photo, 0))
    (tmp_path / "photos/a/copy.jpg").write_bytes((tmp_path / "photos/a/0.jpg").read_bytes())
    (tmp_path / "photos/b/again.jpg").write_bytes(shot(photos[0], 1))
    found = scan_folder(tmp_path / "photos", looks=LookStore(tmp_path / "cache"))
    groups: dict[str, Any] = {}
    for photo in found.photos:
        groups.setdefault(near_duplicates(found).of.get(photo.sha256), []).append(photo.path.name)
    assert sorted(map(sorted, groups.values()))[0] == ["0.jpg", "again.jpg", "copy.jpg"]
    assert not near_duplicates(scan_folder(tmp_path / "photos")).of
