from __future__ import annotations

from pathlib import Path

import numpy as np

from packager.data.folder import Photo
from packager.training.later_samples import LaterSamples
from packager.training.trunk import Trunk


def test_later_samples_come_by_turns_and_are_made_once() -> None:
    class Before:
        def sample(self, photo: Photo, epoch: int) -> np.ndarray:
            return np.float32([photo.label, epoch])

        def views(self, photo: Photo) -> np.ndarray:
            return np.float32([[photo.label, 7], [photo.label, 8]])

    class Doubles(Trunk):
        runs = 0

        def run(self, image: np.ndarray) -> np.ndarray:
            self.runs += 1
            return 2 * image

    trunk = Doubles(b"")
    samples = LaterSamples(Before(), trunk, range(2, 5))
    photos = [Photo(Path(f"{label}.png"), label, str(label)) for label in (0, 1)]
    seen = [[samples.sample(photo, epoch).tolist() for epoch in range(5, 11)] for photo in photos]
    assert [sorted(by_turns[:3]) for by_turns in seen] == [
        [[2.0 * label, 4.0], [2.0 * label, 6.0], [2.0 * label, 8.0]] for label in (0, 1)
    ]
    assert all(by_turns[3:] == by_turns[:3] for by_turns in seen)
    assert trunk.runs == 6
    for _ in range(2):
        assert samples.views(photos[1]).tolist() == [[2, 14], [2, 16]]
    assert trunk.runs == 8
