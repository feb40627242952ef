from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from packager.extras import has_extra
from packager.training.folded import folded
from tests.conftest import need

SHAPE = (9, 17, 3)


@pytest.fixture
def float64() -> Iterator[None]:
    """Then rounding can hide no error. (Keras rounds epsilon to float32.)"""
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def plain(image: Any) -> Any:
    """All kinds of convolutions that can be folded."""
    from keras import layers

    x = layers.Conv2D(4, 3, 2, "same")(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, 2, "valid", use_bias=False, depth_multiplier=2)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Conv2D(8, 2, dilation_rate=2, padding="same", groups=2, use_bias=False)(x)
    return layers.Flatten()(layers.BatchNormalization(center=False, epsilon=0.1)(x))


def wide(image: Any) -> Any:
    """Depthwise kernels whose gradients are computed column by column, and like ones."""
    from keras import layers

    for more in ({}, {"depth_multiplier": 2}, {"strides": 2}, {"padding": "valid"}):
        x = layers.DepthwiseConv2D((3, 5), **{"padding": "same", **more})(image)
        image = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D((2, 13), padding="same")(image)  # wider than the maps
    return layers.Flatten()(layers.BatchNormalization()(x))


def unfoldable(image: Any) -> Any:
    """A convolution that is read twice, one used twice, one with an activation, one of rows."""
    from keras import layers

    x = layers.Conv2D(3, 3, padding="same")(image)
    x = layers.Add()([x, layers.BatchNormalization()(x)])
    shared = layers.Conv2D(3, 3, padding="same")
    x = layers.Add()([layers.BatchNormalization()(shared(x)), shared(x)])
    x = layers.BatchNormalization()(layers.Conv2D(3, 3, padding="same", activation="relu")(x))
    x = layers.BatchNormalization(axis=1)(layers.Conv2D(3, 3, padding="same")(x))
    return layers.Flatten()(layers.Dropout(0.5)(x))


def nested(image: Any) -> Any:
    """Models within a model, one of which varies what it is trained with."""
    import keras
    from keras import layers

    inside = keras.Input(SHAPE)
    flips = keras.Model(inside, layers.RandomFlip(seed=1)(inside))
    blocks = keras.Sequential([layers.Conv2D(3, 3), layers.BatchNormalization()])
    return layers.Flatten()(keras.Sequential([blocks, layers.ReLU()])(flips(image)))


@pytest.mark.slow
@pytest.mark.parametrize("describe", [plain, wide, unfoldable, nested])
def test_output_and_gradients_are_the_networks(
    describe: Callable[[Any], Any], float64: None
) -> None:
    import keras
    import tensorflow as tf

    image = keras.Input(SHAPE)
    network = keras.Model(image, describe(image))
    random = np.random.default_rng(0)
    network.set_weights([random.uniform(0.5, 1.5, each.shape) for each in network.get_weights()])
    inputs = tf.constant(random.normal(size=(2, *SHAPE)))

    def traced(run: Callable[[Any], Any]) -> list[Any]:
        with tf.GradientTape() as tape:
            output = run(inputs)
            loss = tf.reduce_sum(output**2)
        return [output, *tape.gradient(loss, network.trainable_variables)]

    wanted = traced(lambda inputs: network(inputs, training=False))
    for value, reference in zip(traced(folded(network)), wanted, strict=True):
        atol = 1e-6 * np.abs(reference).max()
        np.testing.assert_allclose(value, reference, rtol=1e-6, atol=atol)


@pytest.mark.slow
def test_batch_norm_is_no_operator_of_the_step() -> None:
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    import keras
    import tensorflow as tf

    image = keras.Input(SHAPE)
    network = keras.Model(image, plain(image))

    def maps_multiplied(run: Callable[[Any], Any]) -> int:
        signature = [tf.TensorSpec((7, *SHAPE))]
        graph = tf.function(run, signature, autograph=False).get_concrete_function().graph
        operators = [each for each in graph.get_operations() if each.type.startswith("Mul")]
        return sum(len(each.outputs[0].shape) == 4 and each.outputs[0].shape[0] == 7
                   for each in operators)  # fmt: skip

    assert maps_multiplied(lambda inputs: network(inputs, training=False)) == 3
    assert maps_multiplied(folded(network)) == 0
