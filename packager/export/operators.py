"""An architecture as LiteRT operators, written into a .tflite without TensorFlow.

The file is the one that TensorFlow's converter makes of the same Keras model: BatchNorm folded
into the convolution before it, activations fused, the same operators in the same order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from packager.backbones.layers import Activation, Convention
from packager.backbones.parameters import Parameters
from packager.backbones.pretrained import Described
from packager.export import flatbuffer

Array = np.ndarray[Any, Any]


class Value(NamedTuple):
    """A computed tensor: its index and its shape."""

    tensor: int
    shape: tuple[int, ...]


def write_model(described: Described) -> bytes:
    """The float .tflite of one image [1, size, size, 3] that `described` computes."""
    net = Operators(described.convention, described.parameters)
    return net.finish(described.build(net))


class Operators:
    """See `backbones.layers.Layers`; a value is a `Value`."""

    def __init__(self, convention: Convention, parameters: Parameters) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema = schema
        self._convention, self._parameters = convention, parameters
        self._model, self._graph = schema.ModelT(), schema.SubGraphT()
        self._model.version, self._model.description = 3, "packager"
        self._model.buffers = [schema.BufferT()]  # the first is that of computed tensors
        self._model.operatorCodes, self._model.subgraphs = [], [self._graph]
        self._graph.name = "main"
        self._graph.tensors, self._graph.operators = [], []

    def image(self, size: int) -> Value:
        """See `Layers`."""
        image = self._value("image", (1, size, size, 3))
        self._graph.inputs = [image.tensor]
        return image

    def channels(self, x: Value) -> int:
        """See `Layers`."""
        return x.shape[-1]

    def units(self, x: Value, name: str, kernel: Array, bias: Array) -> Value:
        """See `Layers`."""
        return self._convolve(x, name, kernel, bias, stride=1, act=False)

    def convolution(
        self, x: Value, name: str, channels: int, kernel: int = 1, stride: int = 1,
        act: Activation = True, norm: bool = True,
    ) -> Value:  # fmt: skip
        """See `Layers`."""
        if norm:
            weights, bias = self._folded(name, lambda scale: scale)
        else:
            weights, bias = self._parameters[f"{name}_conv"]
        return self._convolve(x, name, weights, bias, stride, act)

    def depthwise(
        self, x: Value, name: str, kernel: int, stride: int, act: Activation = True
    ) -> Value:
        """See `Layers`."""
        weights, bias = self._folded(name, lambda scale: scale[:, None])
        options = self._schema.DepthwiseConv2DOptionsT()
        options.depthMultiplier = 1
        weights = weights.transpose(3, 0, 1, 2)  # [1, height, width, channels]
        return self._window(x, name, weights, bias, stride, act, "DEPTHWISE_CONV_2D", options)

    def add(self, x: Value, y: Value, name: str, act: bool = False) -> Value:
        """See `Layers`."""
        options = self._schema.AddOptionsT()
        options.fusedActivationFunction = self._fused(self._convention.kind(act))
        return self._operator("ADD", options, [x.tensor, y.tensor], name, x.shape)

    def multiply(self, x: Value, y: Value, name: str) -> Value:
        """See `Layers`."""
        options = self._schema.MulOptionsT()
        return self._operator("MUL", options, [x.tensor, y.tensor], name, x.shape)

    def average(self, x: Value, name: str) -> Value:
        """See `Layers`."""
        return self._mean(x, name, (1, 1, 1, x.shape[-1]))

    def max_pool(self, x: Value, name: str) -> Value:
        """See `Layers`."""
        x = self._padded(x, name, 1)
        _, height, width, channels = x.shape
        options = self._schema.Pool2DOptionsT()
        options.padding = self._schema.Padding.VALID
        options.strideW = options.strideH = 2
        options.filterWidth = options.filterHeight = 3
        shape = (1, (height - 3) // 2 + 1, (width - 3) // 2 + 1, channels)
        return self._operator("MAX_POOL_2D", options, [x.tensor], name, shape)

    def features(self, x: Value) -> Value:
        """See `Layers`."""
        return self._mean(x, "features", (1, x.shape[-1]))

    def flat(self, x: Value) -> Value:
        """See `Layers`."""
        shape = (1, x.shape[-1])
        inputs = [x.tensor, self._constant("features/shape", np.array(shape, np.int32))]
        return self._operator("RESHAPE", None, inputs, "features", shape)

    def classes(self, x: Value, count: int) -> Value:
        """See `Layers`."""
        kernel, bias = self._parameters["classes"]
        inputs = [
            x.tensor,
            self._constant("classes/kernel", kernel.T),
            self._constant("classes/bias", bias),
        ]
        options = self._schema.FullyConnectedOptionsT()
        logits = self._operator("FULLY_CONNECTED", options, inputs, "classes/logits", (1, count))
        softmax = self._schema.SoftmaxOptionsT()
        softmax.beta = 1.0
        return self._operator("SOFTMAX", softmax, [logits.tensor], "classes", (1, count))

    def finish(self, last: Value) -> bytes:
        """The file, with `last` as its output."""
        self._graph.outputs = [last.tensor]
        return flatbuffer.pack(self._model)

    def _folded(self, name: str, along: Any) -> tuple[Array, Array]:
        """Kernel and bias with BatchNorm in them; `along` places a channel's factor."""
        kernel, *own = (value.astype(np.float64) for value in self._parameters[f"{name}_conv"])
        gamma, beta, mean, variance = (
            value.astype(np.float64) for value in self._parameters[f"{name}_norm"]
        )
        scale = gamma / np.sqrt(variance + self._convention.epsilon)
        bias = beta + (sum(own) - mean) * scale
        return (kernel * along(scale)).astype(np.float32), bias.astype(np.float32)

    def _convolve(
        self, x: Value, name: str, kernel: Array, bias: Array, stride: int, act: Activation
    ) -> Value:
        weights = kernel.transpose(3, 0, 1, 2)  # [out, height, width, in]
        options = self._schema.Conv2DOptionsT()
        return self._window(x, name, weights, bias, stride, act, "CONV_2D", options)

    def _window(
        self, x: Value, name: str, weights: Array, bias: Array, stride: int, act: Activation,
        kind: str, options: Any,
    ) -> Value:  # fmt: skip
        activation = self._convention.kind(act)
        fused = {"hard_sigmoid": "relu6"}.get(activation, activation)
        if activation == "hard_sigmoid":  # relu6(x + 3) / 6
            bias = bias + np.float32(3)
        if not fused.startswith("relu"):
            fused = ""
        side = weights.shape[1]
        sides = self._convention.padding(side, stride)
        if sides:
            x = self._padded(x, name, sides)
            height, width = ((each - side) // stride + 1 for each in x.shape[1:3])
        else:
            height, width = (-(-each // stride) for each in x.shape[1:3])
        padding = self._schema.Padding
        options.padding = padding.VALID if sides else padding.SAME
        options.strideW = options.strideH = stride
        options.dilationWFactor = options.dilationHFactor = 1
        options.fusedActivationFunction = self._fused(fused)
        inputs = [
            x.tensor,
            self._constant(f"{name}/kernel", weights),
            self._constant(f"{name}/bias", bias),
        ]
        y = self._operator(kind, options, inputs, name, (1, height, width, len(bias)))
        return y if activation == fused else self._activate(y, name, activation)

    def _activate(self, x: Value, name: str, kind: str) -> Value:
        """What no convolution computes along the way."""
        name = f"{name}_{kind}"
        if kind == "hard_swish":
            options = self._schema.HardSwishOptionsT()
            return self._operator("HARD_SWISH", options, [x.tensor], name, x.shape)
        if kind == "hard_sigmoid":
            sixth = Value(self._constant(f"{name}/factor", np.array(1 / 6, np.float32)), ())
            return self.multiply(x, sixth, name)
        gate = self._operator("LOGISTIC", None, [x.tensor], f"{name}/gate", x.shape)
        return gate if kind == "sigmoid" else self.multiply(x, gate, name)

    def _padded(self, x: Value, name: str, sides: int) -> Value:
        """With so many rows and columns of zeros on each side."""
        _, height, width, channels = x.shape
        around = np.array([[0, 0], [sides, sides], [sides, sides], [0, 0]], np.int32)
        inputs = [x.tensor, self._constant(f"{name}_pad/paddings", around)]
        shape = (1, height + 2 * sides, width + 2 * sides, channels)
        return self._operator("PAD", self._schema.PadOptionsT(), inputs, f"{name}_pad", shape)

    def _mean(self, x: Value, name: str, shape: tuple[int, ...]) -> Value:
        """Over height and width."""
        axes = self._constant(f"{name}/axes", np.array([1, 2], np.int32))
        options = self._schema.ReducerOptionsT()
        options.keepDims = len(shape) == len(x.shape)
        return self._operator("MEAN", options, [x.tensor, axes], name, shape)

    def _fused(self, kind: str) -> int:
        kinds = self._schema.ActivationFunctionType
        return int(getattr(kinds, kind.upper()) if kind else kinds.NONE)

    def _operator(
        self, kind: str, options: Any, inputs: list[int], name: str, shape: tuple[int, ...]
    ) -> Value:
        output, builtin = self._value(name, shape), getattr(self._schema.BuiltinOperator, kind)
        self._graph.operators.append(
            flatbuffer.new_operator(self._model, builtin, inputs, output.tensor, options)
        )
        return output

    def _value(self, name: str, shape: tuple[int, ...]) -> Value:
        float32 = self._schema.TensorType.FLOAT32
        return Value(flatbuffer.add_tensor(self._model, name, shape, float32), shape)

    def _constant(self, name: str, values: Array) -> int:
        types = self._schema.TensorType
        dtype = types.INT32 if values.dtype == np.int32 else types.FLOAT32
        buffer = flatbuffer.add_buffer(self._model, values)
        return flatbuffer.add_tensor(self._model, name, values.shape, dtype, buffer)
