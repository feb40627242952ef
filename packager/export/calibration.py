"""The representative dataset: the training photos that show quantization what is usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from packager.data.folder import Photo
from packager.data.images import VIEWS, open_photo, view
from packager.progress import Phase
from packager.specs import ModelSpec


def representative_photos(photos: Sequence[Photo], count: int, seed: int) -> list[Photo]:
    """At most `count` photos, as evenly from the classes as their numbers allow."""
    order = np.random.default_rng(seed).permutation(len(photos))
    queues: dict[int, list[Photo]] = {}
    for place in order:
        queues.setdefault(photos[place].label, []).append(photos[place])
    chosen: list[Photo] = []
    rounds = max((len(queue) for queue in queues.values()), default=0)
    for turn in range(rounds):
        chosen += [queues[label][turn] for label in sorted(queues) if turn < len(queues[label])]
    return chosen[:count]


def representative_dataset(
    photos: Sequence[Photo], spec: ModelSpec, phase: Phase
) -> Iterator[np.ndarray[Any, Any]]:
    """Each photo in both views, float32 [1, size, size, 3], normalised as the spec says."""
    for photo in photos:
        image = open_photo(photo.path, at_least=2 * spec.input_size)
        for name in VIEWS:
            pixels = view(image, name, spec.input_size).astype(np.float32)
            yield ((pixels - spec.mean) / np.float32(spec.std))[None].astype(np.float32)
            phase.advance()
