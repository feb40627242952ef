"""Divides the photos into training, validation and test parts that stay as they are."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import dataclass

from packager.data.folder import Photo, PhotoFolder
from packager.errors import DataError, SettingsError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """The three parts; each in the order of the folder's photos."""

    train: tuple[Photo, ...]
    validation: tuple[Photo, ...]
    test: tuple[Photo, ...]


def parse_split(text: str) -> tuple[float, float, float]:
    """Reads "80/10/10", "0.8/0.1/0.1" or any other three positive shares of a whole.

    Returns:
        The fractions for training, validation and test; their sum is 1.

    Raises:
        SettingsError: the text is not three positive numbers.
    """
    try:
        shares = [float(share) for share in text.split("/")]
    except ValueError:
        shares = []
    return _fractions(shares, text)


def split_photos(
    folder: PhotoFolder,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> Split:
    """Gives each photo its part, the same one whatever other photos there are.

    A SHA-256 of the seed and the photo's digest, read as a number u in 0..1, decides: below the
    test fraction it is for testing, in the next interval for validation, else for training. So
    added photos move none of the old ones, and byte-identical photos are in the same part. The
    price is that the fractions are met in expectation, class by class, not exactly: a rule that
    looks at one photo alone can't count.

    The one exception to stability: where that leaves a class without a photo in a part, its
    photo with the u nearest to that part's interval moves there, one for each such part, from
    the part in which the class has the most. Only classes of few photos need it (of 80 photos
    none is in a tenth once in 4,600 seeds).

    A folder that is split already keeps its own parts; `fractions` and `seed` don't matter.

    Raises:
        DataError: a class has fewer than three different photos.
        SettingsError: the fractions are not three positive numbers.
    """
    part: dict[str, str] = {}
    if folder.presplit:
        part = {photo.sha256: photo.part or "train" for photo in folder.photos}
    else:
        _, validation, test = _fractions(list(fractions), fractions)
        place = {photo.sha256: _place(seed, photo.sha256) for photo in folder.photos}
        edges = {"test": (0.0, test), "validation": (test, test + validation)}
        edges["train"] = (test + validation, 1.0)
        for sha, u in place.items():
            part[sha] = next(name for name, (_, end) in edges.items() if u < end or end >= 1)
        _fill_empty(folder, part, place, edges)
    chosen = {name: tuple(p for p in folder.photos if part[p.sha256] == name) for name in PARTS}
    return Split(**chosen)


def _fractions(shares: list[float], given: object) -> tuple[float, float, float]:
    if len(shares) != 3 or not all(math.isfinite(share) and share > 0 for share in shares):
        raise SettingsError(
            f"{given!r} is not a split",
            where="--split",
            fix="Give three positive shares, for training/validation/test: 80/10/10.",
        )
    whole = sum(shares)
    train, validation, test = (share / whole for share in shares)
    return train, validation, test


def _place(seed: int, sha256: str) -> float:
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48  # 48 bits: exact, and below 1


def _fill_empty(
    folder: PhotoFolder,
    part: dict[str, str],
    place: dict[str, float],
    edges: dict[str, tuple[float, float]],
) -> None:
    """Moves single photos in `part`, so that each class is in each part."""
    members: list[set[str]] = [set() for _ in folder.classes]
    labels: dict[str, set[int]] = defaultdict(set)
    for photo in folder.photos:
        members[photo.label].add(photo.sha256)
        labels[photo.sha256].add(photo.label)
    count = [Counter(part[sha] for sha in shas) for shas in members]
    for label, shas in enumerate(members):
        if len(shas) < len(PARTS):
            raise _too_small(folder, label, len(shas))
        for needy in edges:
            if count[label][needy]:
                continue
            start, end = edges[needy]
            # A photo that is in two classes moves for both, and must leave neither without.
            movable = [
                (-count[label][part[sha]], max(start - place[sha], place[sha] - end), sha)
                for sha in shas
                if all(count[other][part[sha]] > 1 for other in labels[sha])
            ]
            if not movable:
                raise _too_small(folder, label, len(shas))
            sha = min(movable)[2]
            for other in labels[sha]:
                count[other][part[sha]] -= 1
                count[other][needy] += 1
            part[sha] = needy


def _too_small(folder: PhotoFolder, label: int, count: int) -> DataError:
    return DataError(
        f"the class {folder.classes[label]!r} has {count} different photo"
        f"{'' if count == 1 else 's'}, too few to split",
        where=folder.root,
        fix="Add photos to it: each class needs three or more that differ (training, validation, "
        "test), and some dozens to be learnt well. Or delete its folder.",
    )
