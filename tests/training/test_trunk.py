from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from packager.backbones.weights import Weights
from packager.data.folder import Photo
from packager.export.convert import converted_backbone
from packager.specs import get_spec
from packager.training.trunk import LaterSamples, Trunk

SPEC = replace(get_spec("lite0"), input_size=32, width=0.2, depth=0.25)


def test_threads_share_it(cache: Path) -> None:
    model = converted_backbone(SPEC, Weights(None, "none", "random numbers")).model
    random = np.random.default_rng(0)
    images = random.random((24, 32, 32, 3), np.float32)
    trunk = Trunk(model)
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(trunk.run, images))
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    for image, maps in zip(images, given, strict=True):
        interpreter.set_tensor(0, image[None])
        interpreter.invoke()
        output = interpreter.get_output_details()[0]["index"]
        np.testing.assert_array_equal(maps, interpreter.get_tensor(output)[0])


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
