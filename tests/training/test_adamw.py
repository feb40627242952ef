from __future__ import annotations

import numpy as np
import pytest

from packager.extras import has_extra
from packager.training.adamw import adamw
from tests.conftest import need


@pytest.mark.slow
def test_steps_are_those_of_keras_and_only_kernels_decay() -> None:
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    import keras

    rate = keras.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=2)
    reference = keras.optimizers.AdamW(rate, weight_decay=0.3)
    moved = []
    for optimizer in (adamw(rate, 0.3), reference):
        random = np.random.default_rng(0)
        variables = [keras.Variable(random.normal(size=size)) for size in ((5, 4), (4,))]
        if optimizer is reference:
            optimizer.exclude_from_weight_decay(var_list=variables[1:])
        for _ in range(6):
            optimizer.apply([random.normal(size=each.shape) for each in variables], variables)
        moved.append([np.array(each) for each in (*variables, *optimizer.variables)])
    for value, wanted in zip(*moved, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)
