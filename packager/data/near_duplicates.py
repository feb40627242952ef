"""Groups of photos that look the same: a burst, a copy that was resized or saved again.

Two photos are near duplicates when their thumbnails agree in colour and in where the edges are.
That needs no model, so the groups, and the split that keeps them together, are the same whatever
is built from the photos.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packager.data.folder import Photo, PhotoFolder
from packager.data.look import Look, thumbnails
from packager.errors import first_of
from packager.progress import Progress

Array = np.ndarray[Any, Any]

# Cosines that both must reach. Of pairs of a photo and itself moved by 4 %, turned by a degree
# and saved again all do, moved by 8 % nine in ten; of 80,000 pairs of flower photos, 27.
COLOUR, EDGES = 0.85, 0.7
CERTAIN = 0.95, 0.9  # the same scene: none of those 27 pairs was of two
_BLOCK = 1024  # compared with as many at once: memory grows with the photos alone
_MOST_PAIRS = 100  # a photo, on average
_MOST = 0.5  # of a class, that a group may hold


@dataclass(frozen=True)
class Groups:
    """Near duplicates of a folder.

    Attributes:
        of: SHA-256 -> the least SHA-256 of the photo's group; photos without near duplicates are
            not in it. Byte-identical photos are one.
        broken: names of classes whose photos look so much alike that nothing can be told: their
            groups hold most of the class, or are too few to split, and count as single photos.
        contradictions: pairs that are certainly of one scene and in different classes: each
            such photo in at least one, but not every pair.
    """

    of: Mapping[str, str]
    broken: tuple[str, ...] = ()
    contradictions: tuple[tuple[Photo, Photo], ...] = ()


def similar_pairs(
    looks: Sequence[Look], colour: float = COLOUR, edges: float = EDGES
) -> Iterator[tuple[int, int]]:
    """Numbers of two photos whose thumbnails agree in colour and edges; the first is the less.

    Both are cosines of mean-free vectors: of the RGB of 8 x 8 pixels, and of the horizontal and
    vertical differences of their luma.
    """
    blocks = [looks[start : start + _BLOCK] for start in range(0, len(looks), _BLOCK)]
    parts = [_colours_and_slopes(block) for block in blocks]
    for first, (colours, slopes) in enumerate(parts):
        for second, (others, their_slopes) in enumerate(parts[first:], first):
            alike = colours @ others.T >= colour
            if first == second:
                alike = np.triu(alike, 1)
            if alike.any():
                alike &= slopes @ their_slopes.T >= edges
            for one, other in zip(*np.nonzero(alike), strict=True):
                yield first * _BLOCK + int(one), second * _BLOCK + int(other)


def _colours_and_slopes(looks: Sequence[Look]) -> tuple[Array, Array]:
    pixels = thumbnails(list(looks)).reshape(len(looks), 8, 2, 8, 2, 3).mean((2, 4))
    slopes = np.stack(np.gradient(pixels.mean(3), axis=(1, 2)), 1)
    return _unit(pixels), _unit(slopes)


def few_pairs(
    looks: Sequence[Look], colour: float = COLOUR, edges: float = EDGES
) -> list[tuple[int, int]] | None:
    """`similar_pairs`; None where they are so many that looks tell nothing: a fixed camera."""
    most = _MOST_PAIRS * len(looks)
    pairs = list(itertools.islice(similar_pairs(looks, colour, edges), most + 1))
    return pairs if len(pairs) <= most else None


def linked(count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups of two or more of the numbers below `count` that pairs connect, each sorted."""
    above = list(range(count))

    def top(number: int) -> int:
        while above[number] != number:
            above[number] = number = above[above[number]]
        return number

    for one, other in pairs:
        above[max(top(one), top(other))] = min(top(one), top(other))
    groups: dict[int, list[int]] = defaultdict(list)
    for number in range(count):
        groups[top(number)].append(number)
    return [group for group in groups.values() if len(group) > 1]


def near_duplicates(folder: PhotoFolder, parts: int = 3) -> Groups:
    """The groups of a folder whose photos have looks; none of them where it has none.

    Args:
        parts: how many parts there will be: a class of fewer groups and single photos couldn't
            be split.
    """
    shas = [sha for sha in dict.fromkeys(p.sha256 for p in folder.photos) if sha in folder.looks]
    looks = [folder.looks[sha] for sha in shas]
    pairs = few_pairs(looks)
    if pairs is None:
        return Groups({}, folder.classes)
    of = {
        shas[number]: min(shas[each] for each in group)
        for group in linked(len(shas), pairs)
        for number in group
    }
    classes: list[set[str]] = [set() for _ in folder.classes]
    for photo in folder.photos:
        classes[photo.label].add(photo.sha256)
    broken = []
    for label, members in enumerate(classes):
        sizes = Counter(of.get(sha, sha) for sha in members)
        most = max(sizes.values(), default=0)
        if most > 1 and (most > _MOST * len(members) or len(sizes) < parts):
            broken.append(folder.classes[label])
            gone = {of[sha] for sha in members if sha in of}
            of = {sha: group for sha, group in of.items() if group not in gone}
    return Groups(of, tuple(broken), tuple(_contradictions(folder, shas, looks)))


def _contradictions(
    folder: PhotoFolder, shas: Sequence[str], looks: Sequence[Look]
) -> Iterator[tuple[Photo, Photo]]:
    by_sha: dict[str, list[Photo]] = defaultdict(list)
    for photo in folder.photos:
        by_sha[photo.sha256].append(photo)
    named: set[Path] = set()
    for one, other in similar_pairs(looks, *CERTAIN):
        for first in by_sha[shas[one]]:
            for second in by_sha[shas[other]]:
                if first.label != second.label and not named >= {first.path, second.path}:
                    named |= {first.path, second.path}
                    yield first, second


def warn_of_groups(folder: PhotoFolder, groups: Groups, progress: Progress) -> None:
    """Reports the number of groups, and those that can't be kept together or contradict."""
    members: dict[str, list[Photo]] = defaultdict(list)
    for photo in folder.photos:
        if photo.sha256 in groups.of:
            members[groups.of[photo.sha256]].append(photo)
    if members:
        example = next(iter(members.values()))
        progress.say(
            f"{sum(map(len, members.values())):,} photos look much like others, in "
            f"{len(members):,} groups, such as {told(folder, example[0])} and "
            f"{told(folder, example[-1])}. "
            "Each group stays in one part of the split."
        )
    if groups.contradictions:
        one, other = groups.contradictions[0]
        progress.warn(
            f"{len(groups.contradictions):,} pairs of near duplicates are in different classes, "
            f"such as {told(folder, one)} and {told(folder, other)}: one is wrong"
        )
    apart = [each for each in members.values() if len({photo.part for photo in each}) > 1]
    if apart:
        progress.warn(
            f"{len(apart):,} groups of near duplicates are in more than one part of the split that "
            "the photos came with: accuracy will look better than it is"
        )
    if groups.broken:
        progress.warn(
            f"the photos of {first_of(groups.broken, 5)} look so much alike that near duplicates "
            "can't be found: if they are few scenes, accuracy will look better than it is"
        )


def told(folder: PhotoFolder, photo: Photo) -> str:
    """Its path in the folder."""
    return photo.path.relative_to(folder.root).as_posix()


def _unit(values: Array) -> Array:
    flat = values.reshape(len(values), -1)
    flat = flat - flat.mean(1, keepdims=True)
    # A photo of one colour all over is like no other.
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-3))
