"""Planted faults: what `packager photos` finds of them, and what bursts do to test accuracy.

    python benchmarks/photos.py PHOTOS [--seeds 5]

PHOTOS is a folder with one subfolder a class (such as 400 of the flower photos). For each seed,
20 photos are put into another class: how many are among the first 40 that are named? Of 30 photos
two more shots are made (moved, turned a little, in other light, at another size, saved again): how
many bursts are grouped whole, and how many other photos are grouped with them? Then half of all
photos get three more shots each: the accuracy on test photos, with near duplicates kept in one
part of the split and without, beside that on photos that lie outside of all of it (a mean of six
splits).
"""

from __future__ import annotations

import argparse
import io
import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
from PIL import Image, ImageEnhance

from packager.audit.findings import DOUBTFUL_LABEL, WRONG_LABEL
from packager.audit.run import audit_photos, extracted
from packager.data.folder import Photo
from packager.data.look import LookStore
from packager.data.near_duplicates import near_duplicates
from packager.data.settings import PhotoSettings
from packager.data.source import scan_photos
from packager.data.split import split_photos
from packager.progress import SILENT
from packager.training.features import load_features
from packager.training.head import train_head
from packager.training.settings import HeadSettings

WRONG, NAMED, BURSTS, SHOTS, SPLITS = 20, 40, 30, 3, 6


def shot(photo: Image.Image, draw: random.Random) -> bytes:
    """The next of a burst."""
    width, height = photo.size
    shift = 0.03
    turned = photo.rotate(draw.uniform(-1, 1), Image.Resampling.BICUBIC)
    left, top = (draw.uniform(0, 2 * shift) * side for side in photo.size)
    frame = (left, top, left + width * (1 - 2 * shift), top + height * (1 - 2 * shift))
    lit = ImageEnhance.Brightness(turned.crop(tuple(map(int, frame)))).enhance(
        draw.uniform(0.9, 1.1)
    )
    scale = draw.uniform(0.6, 1)
    content = io.BytesIO()
    size = (int(lit.width * scale), int(lit.height * scale))
    lit.resize(size).save(content, "JPEG", quality=draw.randint(60, 90))
    return content.getvalue()


def more_shots(photo: Path, count: int, draw: random.Random) -> list[Path]:
    """Writes them beside the photo."""
    with Image.open(photo) as opened:
        picture = opened.convert("RGB")
    paths = []
    for number in range(count):
        path = photo.with_name(f"{photo.stem}-shot{number}.jpg")
        path.write_bytes(shot(picture, draw))
        paths.append(path)
    return paths


def wrong_labels(photos: Path, work: Path, seed: int) -> int:
    """How many of the 20 are among the first 40."""
    draw = random.Random(seed)
    shutil.copytree(photos, work)
    files = sorted(path for path in work.glob("*/*") if path.is_file())
    classes = sorted({path.parent.name for path in files})
    moved = set()
    for path in draw.sample(files, WRONG):
        label = draw.choice([name for name in classes if name != path.parent.name])
        moved.add(path.rename(work / label / path.name).relative_to(work).as_posix())
    found = audit_photos(PhotoSettings(work), seed=seed)
    named = [each.path for each in found.findings if each.problem in (WRONG_LABEL, DOUBTFUL_LABEL)]
    return len(moved & set(named[:NAMED]))


def bursts(photos: Path, work: Path, seed: int) -> tuple[int, int]:
    """How many of the 30 are grouped whole, and photos that are in their groups by mistake."""
    draw = random.Random(seed)
    shutil.copytree(photos, work)
    alone = _alone(work)
    groups = [
        {path.relative_to(work).as_posix() for path in (each, *more_shots(each, SHOTS - 1, draw))}
        for each in draw.sample(alone, BURSTS)
    ]
    found = [set(group) for group in audit_photos(PhotoSettings(work), seed=seed).groups]
    whole = [group for group in groups if any(group <= each for each in found)]
    planted = set().union(*groups)
    strange = sum(len(each - planted) for each in found if each & planted)
    return len(whole), strange


def _alone(work: Path) -> list[Path]:
    """Photos that look like no other, so that a burst is what was planted."""
    folder = scan_photos(work, looks=LookStore())
    groups = near_duplicates(folder).of
    return [photo.path for photo in folder.photos if photo.sha256 not in groups]


def leaks(photos: Path, work: Path, seed: int) -> tuple[float, float, float]:
    """Mean accuracies, 0..1: of test photos without groups, with them, and of photos outside."""
    draw = random.Random(seed)
    shutil.copytree(photos, work)
    files = sorted(path for path in work.glob("*/*") if path.is_file())
    outside = set(draw.sample(files, len(files) // 2))
    for path in sorted(set(files) - outside):
        more_shots(path, SHOTS, draw)
    folder = scan_photos(work, looks=LookStore())
    kept, store = extracted(folder, "lite0", 0, SILENT)
    apart = [photo for photo in kept if photo.path in outside]
    own = replace(folder, photos=tuple(photo for photo in kept if photo.path not in outside))

    def measured(groups: Mapping[str, str], draw: int) -> tuple[float, float]:
        split = split_photos(own, (0.6, 0.2, 0.2), draw, groups)
        head = train_head(
            load_features(split.train, store), load_features(split.validation, store),
            len(folder.classes), HeadSettings(), seed=draw,
        )  # fmt: skip

        def right(part: Sequence[Photo]) -> float:
            features, labels = load_features(part, store)
            return float(np.mean((features[:, 0] @ head.kernel + head.bias).argmax(1) == labels))

        # Of a burst the first shot alone, which is as good a photo as those outside.
        return right([each for each in split.test if "-shot" not in each.path.stem]), right(apart)

    groups = near_duplicates(own).of
    draws = range(seed * SPLITS, (seed + 1) * SPLITS)
    without = [measured({}, each)[0] for each in draws]
    grouped = [measured(groups, each) for each in draws]
    return mean(without), mean(test for test, _ in grouped), mean(other for _, other in grouped)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    rows = []
    for seed in range(given.seeds):
        with tempfile.TemporaryDirectory() as work:
            found = wrong_labels(given.photos, Path(work, "wrong"), seed)
            whole, strange = bursts(given.photos, Path(work, "bursts"), seed)
            row = (found, whole, strange, *leaks(given.photos, Path(work, "leaks"), seed))
        rows.append(row)
        print(
            f"seed {seed}: {found} of {WRONG} wrong labels among the first {NAMED}; {whole} of "
            f"{BURSTS} bursts grouped, {strange} other photos with them; test accuracy "
            f"{row[3]:.1%} without groups, {row[4]:.1%} with; on photos outside {row[5]:.1%}",
            flush=True,
        )
    each = [mean(column) for column in zip(*rows, strict=True)]
    print(
        f"mean: {each[0] / WRONG:.1%} of wrong labels, {each[1] / BURSTS:.1%} of bursts; test "
        f"accuracy {each[3]:.1%}, {each[4]:.1%}; outside {each[5]:.1%}"
    )


if __name__ == "__main__":
    main()
