from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from packager.backbones.weights import Weights
from packager.export.convert import converted_backbone
from packager.specs import get_spec
from packager.training.trunk import Trunk

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
