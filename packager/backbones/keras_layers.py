"""An architecture as Keras layers, which can be trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from packager.backbones.layers import Activation, Convention, Layers
from packager.backbones.parameters import Parameters
from packager.specs import ModelSpec


class KerasLayers:
    """See `layers.Layers`. Parameters are zeros until they are set."""

    def __init__(self, convention: Convention) -> None:
        self._convention = convention
        self.inputs: Any = None

    def image(self, size: int) -> Any:
        """See `Layers`; for any number of photos."""
        import keras

        self.inputs = keras.Input((size, size, 3), name="image")
        return self.inputs

    def channels(self, x: Any) -> int:
        """See `Layers`."""
        return int(x.shape[-1])

    def units(self, x: Any, name: str, kernel: Any, bias: Any) -> Any:
        """See `Layers`."""
        from keras import initializers, layers

        return layers.Conv2D(
            3, 1, padding="same", name=name, trainable=False,
            kernel_initializer=initializers.Constant(kernel.tolist()),
            bias_initializer=initializers.Constant(bias.tolist()),
        )(x)  # fmt: skip

    def convolution(
        self, x: Any, name: str, channels: int, kernel: int = 1, stride: int = 1,
        act: Activation = True, norm: bool = True,
    ) -> Any:  # fmt: skip
        """See `Layers`."""
        from keras import layers

        x, padding = self._padded(x, name, kernel, stride)
        x = layers.Conv2D(
            channels, kernel, stride, padding, use_bias=self._convention.bias or not norm,
            name=f"{name}_conv", kernel_initializer="zeros",
        )(x)  # fmt: skip
        return self._normalize(x, name, act) if norm else self._activate(x, name, act)

    def depthwise(self, x: Any, name: str, kernel: int, stride: int, act: Activation = True) -> Any:
        """See `Layers`."""
        from keras import layers

        x, padding = self._padded(x, name, kernel, stride)
        x = layers.DepthwiseConv2D(
            kernel, stride, padding, use_bias=self._convention.bias, name=f"{name}_conv",
            depthwise_initializer="zeros",
        )(x)  # fmt: skip
        return self._normalize(x, name, act)

    def add(self, x: Any, y: Any, name: str, act: bool = False) -> Any:
        """See `Layers`."""
        from keras import layers

        return self._activate(layers.Add(name=name)([x, y]), name, act)

    def multiply(self, x: Any, y: Any, name: str) -> Any:
        """See `Layers`."""
        from keras import layers

        return layers.Multiply(name=name)([x, y])

    def average(self, x: Any, name: str) -> Any:
        """See `Layers`."""
        from keras import layers

        return layers.GlobalAveragePooling2D(keepdims=True, name=name)(x)

    def max_pool(self, x: Any, name: str) -> Any:
        """See `Layers`."""
        from keras import layers

        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        return layers.MaxPooling2D(3, 2, name=name)(x)

    def features(self, x: Any) -> Any:
        """See `Layers`."""
        from keras import layers

        return layers.GlobalAveragePooling2D(name="features")(x)

    def flat(self, x: Any) -> Any:
        """See `Layers`."""
        from keras import layers

        return layers.Reshape((self.channels(x),), name="features")(x)

    def classes(self, x: Any, count: int) -> Any:
        """See `Layers`."""
        from keras import layers

        return layers.Dense(count, "softmax", name="classes")(x)

    def _normalize(self, x: Any, name: str, act: Activation) -> Any:
        from keras import layers

        x = layers.BatchNormalization(epsilon=self._convention.epsilon, name=f"{name}_norm")(x)
        return self._activate(x, name, act)

    def _activate(self, x: Any, name: str, act: Activation) -> Any:
        from keras import layers

        kind = self._convention.kind(act)
        if not kind:
            return x
        if kind.startswith("relu"):
            return layers.ReLU(6.0 if kind == "relu6" else None, name=f"{name}_{kind}")(x)
        return layers.Activation(kind, name=f"{name}_{kind}")(x)

    def _padded(self, x: Any, name: str, kernel: int, stride: int) -> tuple[Any, str]:
        """What the kernel slides over, and the padding that is left to do."""
        from keras import layers

        sides = self._convention.padding(kernel, stride)
        if not sides:
            return x, "same"
        return layers.ZeroPadding2D(sides, name=f"{name}_pad")(x), "valid"


def keras_model(
    build: Callable[[Layers], Any], convention: Convention, parameters: Parameters, spec: ModelSpec
) -> Any:
    """The `keras.Model` that `build` describes, with those parameters."""
    import keras

    net = KerasLayers(convention)
    last = build(net)
    model = keras.Model(net.inputs, last, name=spec.name)
    for name, values in parameters.items():
        model.get_layer(name).set_weights(values)
    return model


def current_parameters(model: Any, parameters: Parameters) -> Parameters:
    """What a model of `keras_model`, which was made with `parameters`, has now."""
    return {name: tuple(model.get_layer(name).get_weights()) for name in parameters}
