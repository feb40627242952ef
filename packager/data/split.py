"""A stable split of the photos into training, validation and test parts."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from packager.data.folder import Photo, PhotoFolder
from packager.data.parts import PARTS
from packager.data.shares import fractions_of
from packager.errors import DataError


@dataclass(frozen=True)
class Split:
    """The three parts; each in the order of the folder's photos."""

    train: tuple[Photo, ...]
    validation: tuple[Photo, ...]
    test: tuple[Photo, ...]


def split_photos(
    folder: PhotoFolder,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    groups: Mapping[str, str] = MappingProxyType({}),
) -> Split:
    """Gives each photo its part, the same one whatever other photos there are.

    Photos of one group are in one part: that of the photo that the group is named by. One that
    joins a group of k photos moves them with a chance of 1 in k + 1, since it may have the least
    digest; a rule that looks at the photos alone can't know which was there first.

    A SHA-256 of the seed and the photo's digest (of a group, its name), read as a number u in
    0..1, decides: below the test fraction it is for testing, in the next interval for validation,
    else for training. So added photos move none of the old ones but those they look the same as,
    and byte-identical photos are in the same part. The
    price is that the fractions are met in expectation, class by class, not exactly: a rule that
    looks at one photo alone can't count.

    The one exception to stability: where that leaves a class without a photo in a part, its
    photo or group with the u nearest to that part's interval moves there, one for each such part,
    from the part in which the class has the most. Only classes of few photos need it (of 80 photos
    none is in a tenth once in 4,600 seeds).

    A folder that is split already keeps its own parts. What it lacks, validation or test, is
    split off from its training photos in the same way, as large a share of them as the
    fractions give it beside training.

    Args:
        folder: the photos; fractions: shares of training, validation and test; seed: of the draw.
        groups: SHA-256 of a photo -> the least of its group, for photos that are in one, see
            `packager.data.near_duplicates`.

    Raises:
        DataError: a class has fewer groups and single photos than there are parts to make.
        SettingsError: the fractions are not three positive numbers.
    """
    shares = dict(zip(PARTS, fractions_of(list(fractions), fractions), strict=True))
    part = {
        photo.sha256: photo.part for photo in folder.photos if photo.part not in (None, "train")
    }
    given = {photo.part for photo in folder.photos}
    edges = _edges({name: share for name, share in shares.items() if name not in given - {"train"}})
    if len(edges) > 1:
        free = [photo for photo in folder.photos if photo.sha256 not in part]
        units = {photo.sha256: groups.get(photo.sha256, photo.sha256) for photo in free}
        place = {unit: _place(seed, unit) for unit in units.values()}
        drawn = {
            unit: next(name for name, (_, end) in edges.items() if u < end or end >= 1)
            for unit, u in place.items()
        }
        labels: dict[str, set[int]] = defaultdict(set)
        for photo in free:
            labels[units[photo.sha256]].add(photo.label)
        _fill_empty(folder, labels, drawn, place, edges)
        part |= {sha: drawn[unit] for sha, unit in units.items()}
    chosen = {
        name: tuple(p for p in folder.photos if part.get(p.sha256, "train") == name)
        for name in PARTS
    }
    return Split(**chosen)


def halve(
    photos: Sequence[Photo], seed: int, groups: Mapping[str, str]
) -> tuple[tuple[Photo, ...], tuple[Photo, ...]]:
    """Two halves by the rule of `split_photos`, regardless of classes."""
    first = [_place(seed, groups.get(photo.sha256, photo.sha256)) < 0.5 for photo in photos]
    return (
        tuple(photo for photo, is_first in zip(photos, first, strict=True) if is_first),
        tuple(photo for photo, is_first in zip(photos, first, strict=True) if not is_first),
    )


def demand_each_class(
    train: Sequence[Photo], validation: Sequence[Photo], classes: Sequence[str], root: Path
) -> None:
    """Raises `DataError` when too many photos were lost since the split to train with the rest."""
    left = {photo.label for photo in train}
    gone = [name for label, name in enumerate(classes) if label not in left]
    if gone or not validation:
        what = f"training photos of the class {gone[0]!r}" if gone else "validation photos"
        raise DataError(
            f"none of the {what} can be read any more",
            where=root,
            fix="The folder changed while it was in use. Restore the photos, or run it again "
            "with those that are there.",
        )


def _place(seed: int, sha256: str) -> float:
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48  # 48 bits: exact, and below 1


def _edges(shares: dict[str, float]) -> dict[str, tuple[float, float]]:
    """The interval within 0..1 of each part; training is last."""
    edges: dict[str, tuple[float, float]] = {}
    start, whole = 0.0, sum(shares.values())
    for name in ("test", "validation", "train"):
        if name in shares:
            end = 1.0 if name == "train" else start + shares[name] / whole
            edges[name] = (start, end)
            start = end
    return edges


def _fill_empty(
    folder: PhotoFolder,
    labels: dict[str, set[int]],
    part: dict[str, str],
    place: dict[str, float],
    edges: dict[str, tuple[float, float]],
) -> None:
    """Moves single units in `part`, so that each class is in each part.

    A unit is a photo or a group; `labels` has the classes of each.
    """
    members: list[set[str]] = [set() for _ in folder.classes]
    for unit, of in labels.items():
        for label in of:
            members[label].add(unit)
    count = [Counter(part[unit] for unit in units) for units in members]
    for label, units in enumerate(members):
        if len(units) < len(edges):
            raise _too_small(folder, label, len(units), list(edges))
        for needy in edges:
            if count[label][needy]:
                continue
            start, end = edges[needy]
            # One that is in two classes moves for both, and must leave neither without.
            movable = [
                (-count[label][part[unit]], max(start - place[unit], place[unit] - end), unit)
                for unit in units
                if all(count[other][part[unit]] > 1 for other in labels[unit])
            ]
            if not movable:
                raise _too_small(folder, label, len(units), list(edges))
            unit = min(movable)[2]
            for other in labels[unit]:
                count[other][part[unit]] -= 1
                count[other][needy] += 1
            part[unit] = needy


def _too_small(folder: PhotoFolder, label: int, count: int, parts: list[str]) -> DataError:
    need = "three" if len(parts) > 2 else "two"
    return DataError(
        f"the class {folder.classes[label]!r} has {count} different photo"
        f"{'' if count == 1 else 's'}{' to train' * (len(parts) < 3)}, too few to split",
        where=folder.root,
        fix=f"Add photos to it: each class needs {need} or more that differ "
        f"({', '.join(reversed(parts))}), and some dozens to be learnt well. Or delete its folder.",
    )
