"""Quantization-aware training of a classifier's tail, from its .tflite file alone.

Training sees the rounding that the converter will do (Jacob et al. 2018, arXiv:1712.05877, 3),
with a straight-through gradient, and learns from the float model, not from labels (Hinton et al.
2015, arXiv:1503.02531: at a high temperature distillation is matching logits).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from packager.errors import ModelFileError
from packager.export import flatbuffer
from packager.export.sensitivity import logits, logits_operator, values_of
from packager.progress import SILENT, Progress

_TAIL_MACS = 60_000_000  # multiply-adds a sample that training may cost; or, if that's more:
_TAIL_SHARE = 1 / 6  # of the model's
_STEPS, _BATCH, _RATE = 400, 16, 2e-4
_HELD_OUT = 5  # one photo in so many checks the training
_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TrainedTail:
    """The result of training.

    Attributes:
        model: the float .tflite with the trained constants.
        operators: how many of its last operators were trained.
        before_db, after_db: signal-to-quantization-noise ratio of the logits, dB, over samples
            that were not trained on.
    """

    model: bytes
    operators: int
    before_db: float
    after_db: float


def train_tail(
    model: bytes,
    quantized: bytes,
    samples: Callable[[], Iterable[_Array]],
    *,
    seed: int,
    progress: Progress = SILENT,
) -> TrainedTail | None:
    """Trains the constants of the last operators to be robust against quantization.

    The tail begins where one tensor alone is live. Its input is what the quantized trunk gives,
    so that it also learns to make up for the trunk's errors.

    Args:
        model: the float .tflite, ending in logits and softmax.
        quantized: the same quantized, with float32 input. Its scales, zero points and kinds of
            scale are what training imitates; quantize the result with the same ranges.
        samples: gives the representative dataset, float32 [1, size, size, 3] each; called twice.

    Returns:
        The epoch that did best on a fifth of the samples that were not trained on; None where
        none did better than the constants as they were.

    Raises:
        ModelFileError: the tail holds an operator that packager can't train through.
    """
    import tensorflow as tf

    graph = _Graph(model, quantized)
    start = graph.tail()
    with progress.phase("Preparing the tail's training"):
        inputs = np.concatenate(list(values_of(quantized, graph.twin(start - 1), samples())))
        targets = logits(model, samples())
    tail = _Tail(graph, start)
    targets = targets - targets.mean(axis=1, keepdims=True)
    power = np.square(targets).mean(axis=1)
    weights = 1 / np.maximum(power, np.median(power) / 10 + 1e-20)  # an odd photo counts as one
    held = np.arange(len(inputs)) // 2 % _HELD_OUT == _HELD_OUT - 1  # both views of a photo
    train, check = np.flatnonzero(~held), np.flatnonzero(held if held.any() else ~held)
    parts = math.ceil(len(train) / _BATCH)
    epochs = math.ceil(_STEPS / parts)
    rate = tf.keras.optimizers.schedules.CosineDecay(_RATE, epochs * parts)
    optimizer = tf.keras.optimizers.Adam(rate)
    optimizer.build(tail.variables)

    def noise(batch: Any, target: Any, weight: Any) -> Any:
        given = tail(batch)
        given -= tf.reduce_mean(given, axis=1, keepdims=True)
        return tf.reduce_mean(tf.reduce_mean(tf.square(given - target), axis=1) * weight)

    def step(batch: Any, target: Any, weight: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = noise(batch, target, weight)
        gradients = tape.gradient(loss, tail.variables)
        optimizer.apply_gradients(zip(gradients, tail.variables, strict=True))
        return loss

    noise_of, train_on = (tf.function(each, reduce_retracing=True) for each in (noise, step))

    def over(work: Any, order: _Array) -> list[float]:
        return [
            float(work(*(tf.constant(each[part]) for each in (inputs, targets, weights))))
            for part in np.array_split(order, math.ceil(len(order) / _BATCH))
        ]

    def decibels() -> float:
        return -10 * math.log10(max(float(np.mean(over(noise_of, check))), 1e-20))

    random = np.random.default_rng(seed)
    before = after = decibels()
    best = None
    with progress.phase("Training the tail", epochs) as phase:
        for _ in range(epochs):
            over(train_on, random.permutation(train))
            now = decibels()
            if now > after:
                after, best = now, [variable.numpy() for variable in tail.variables]
            phase.advance(note=f"noise at {now:.1f} dB")
    if best is None:
        return None
    for variable, values in zip(tail.variables, best, strict=True):
        variable.assign(values)
    return TrainedTail(tail.written(), graph.end - start, before, after)


class _Graph:
    """The float model and its quantized twin, operator by operator."""

    def __init__(self, model: bytes, quantized: bytes) -> None:
        from ai_edge_litert.schema_py_generated import BuiltinOperator

        self.names = {code: name for name, code in vars(BuiltinOperator).items() if name.isupper()}
        self.model, self._quantized = flatbuffer.unpack(model), flatbuffer.unpack(quantized)
        self.operators = self.model.subgraphs[0].operators
        self.tensors = self.model.subgraphs[0].tensors
        self.end = logits_operator(self.model) + 1
        others = self._quantized.subgraphs[0].operators
        self._twins = [
            number
            for number, operator in enumerate(others)
            if self._name(self._quantized, operator) not in ("QUANTIZE", "DEQUANTIZE")
        ]
        if [self.name(i) for i in range(len(self.operators))] != [
            self._name(self._quantized, others[number]) for number in self._twins
        ]:
            raise ModelFileError(
                "the quantized model's operators are not those of the float one",
                fix="Quantize the same model.",
            )

    def name(self, number: int) -> str:
        """What kind of operator it is, as the schema calls it."""
        return self._name(self.model, self.operators[number])

    def twin(self, number: int) -> int:
        """The number of the same operator in the quantized model."""
        return self._twins[number]

    def shape(self, index: int) -> list[int]:
        """Of a tensor of the float model."""
        return [int(size) for size in self.tensors[index].shape]

    def quantization(self, number: int, place: int | None = None) -> Any:
        """The twin's tensor type and parameters: of its output, or of the input at a place."""
        operator = self._quantized.subgraphs[0].operators[self.twin(number)]
        index = operator.outputs[0] if place is None else operator.inputs[place]
        tensor = self._quantized.subgraphs[0].tensors[index]
        return tensor.type, tensor.quantization

    def constant(self, index: int) -> _Array | None:
        """A float constant, or None."""
        return flatbuffer.constant(self.model, self.tensors[index])

    def integers(self, index: int) -> _Array:
        """A constant of int32 values, such as axes or paddings."""
        data = self.model.buffers[self.tensors[index].buffer].data
        return np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.int32)

    def tail(self) -> int:
        """The first operator to train: as early as cost, cuts and known operators allow."""
        costs = [self._macs(number) for number in range(self.end)]
        budget = max(_TAIL_MACS, _TAIL_SHARE * sum(costs))
        needed: set[int] = set()
        start, cost = self.end, 0
        for number in reversed(range(1, self.end)):
            cost += costs[number]
            if self.name(number) not in _OPERATORS or cost > budget:
                break
            operator = self.operators[number]
            needed -= set(map(int, operator.outputs))
            needed |= {i for i in map(int, operator.inputs) if i >= 0 and self._computed(i)}
            if needed == set(map(int, self.operators[number - 1].outputs)):
                start = number
        if not any(costs[start:]):
            raise ModelFileError(
                f"packager can't train a tail that ends in {self.name(self.end - 1)} after "
                f"{self.name(max(start - 1, 0))}",
                fix=f"Use a model whose last operators are among {', '.join(_OPERATORS)}.",
            )
        return start

    def _computed(self, index: int) -> bool:
        data = self.model.buffers[self.tensors[index].buffer].data
        return data is None or len(data) == 0

    def _macs(self, number: int) -> int:
        operator, name = self.operators[number], self.name(number)
        if name not in _WEIGHTED:
            return 0
        kernel = self.shape(operator.inputs[1])
        each = math.prod(kernel[1:3]) if name == "DEPTHWISE_CONV_2D" else math.prod(kernel[1:])
        return each * math.prod(self.shape(operator.outputs[0]))

    def _name(self, model: Any, operator: Any) -> str:
        return str(self.names[flatbuffer.builtin_of(model, operator)])


class _Tail:
    """The last operators as a function of a batch, their constants as variables."""

    def __init__(self, graph: _Graph, start: int) -> None:
        self._graph, self._start = graph, start
        self._constants: dict[int, tuple[Any, _Array]] = {}
        for number in range(start, graph.end):
            for place, index in enumerate(map(int, graph.operators[number].inputs)):
                values = None if index < 0 else graph.constant(index)
                if values is not None:
                    self._constants[index] = self._variable(number, place, values)
        of_trunk = {int(i) for operator in graph.operators[:start] for i in operator.inputs}
        self._own = {i: each for i, each in self._constants.items() if i not in of_trunk}
        self.variables = [variable for variable, _ in self._own.values()]

    def __call__(self, batch: Any) -> Any:
        """Logits [samples, classes] of values [samples, ...] at the cut."""
        graph = self._graph
        values = {int(graph.operators[self._start - 1].outputs[0]): batch}
        for number in range(self._start, graph.end):
            operator = graph.operators[number]
            inputs = [
                self._input(number, place, index, values)
                for place, index in enumerate(map(int, operator.inputs))
            ]
            output = _OPERATORS[graph.name(number)](inputs, operator.builtinOptions)
            values[int(operator.outputs[0])] = _rounded_to(output, *graph.quantization(number))
        return values[int(graph.operators[graph.end - 1].outputs[0])]

    def written(self) -> bytes:
        """The float model with the variables' values for its constants."""
        model, tensors = self._graph.model, self._graph.tensors
        for index, (variable, unit) in self._own.items():
            values = (variable.numpy() * unit).astype(np.float32)
            tensors[index].buffer = flatbuffer.add_buffer(model, values)  # the old may be shared
        return flatbuffer.pack(model)

    def _variable(self, number: int, place: int, values: _Array) -> tuple[Any, _Array]:
        """In units of its channel's greatest weight, so that one rate suits all layers."""
        import tensorflow as tf

        weights = None
        if place != 1 and self._graph.name(number) in _WEIGHTED:  # a bias
            weights = self._graph.constant(int(self._graph.operators[number].inputs[1]))
        of = values if weights is None else weights
        unit = np.abs(of).max(axis=self._axes(number, of.ndim), keepdims=weights is None)
        unit = np.where(unit > 0, unit, 1.0).astype(np.float32)
        return tf.Variable(values / unit), unit

    def _axes(self, number: int, rank: int) -> tuple[int, ...]:
        """What one scale of the quantized weights extends over."""
        _, parameters = self._graph.quantization(number, 1)
        scales = 0 if parameters is None or parameters.scale is None else len(parameters.scale)
        kept = parameters.quantizedDimension if scales > 1 else None
        return tuple(axis for axis in range(rank) if axis != kept)

    def _input(self, number: int, place: int, index: int, values: dict[int, Any]) -> Any:
        """Computed values, or a constant; weights rounded to -127..127 of the greatest."""
        import tensorflow as tf
        from ai_edge_litert.schema_py_generated import TensorType

        if index < 0 or index in values:
            return values.get(index)
        if index not in self._constants:
            return self._graph.integers(index)
        variable, unit = self._constants[index]
        weights = variable * unit
        rounded = place == 1 and self._graph.name(number) in _WEIGHTED
        if not rounded or self._graph.quantization(number, 1)[0] != TensorType.INT8:
            return weights
        axes = self._axes(number, len(weights.shape))
        peak = tf.stop_gradient(tf.reduce_max(tf.abs(weights), axis=axes, keepdims=True))
        return _nearest(weights, tf.maximum(peak, 1e-30) / 127)


def _rounded_to(values: Any, kind: int, parameters: Any) -> Any:
    """The nearest values that the quantized tensor has; no gradient where they're clipped."""
    import tensorflow as tf
    from ai_edge_litert.schema_py_generated import TensorType

    limits = {TensorType.INT8: (-128, 127), TensorType.INT16: (-32768, 32767)}.get(kind)
    if limits is None:
        return values
    scale, zero_point = float(parameters.scale[0]), int(parameters.zeroPoint[0])
    low, high = ((limit - zero_point) * scale for limit in limits)
    return _nearest(tf.clip_by_value(values, low, high), scale)


def _nearest(values: Any, scale: Any) -> Any:
    """The nearest multiples of the scale; the gradient goes straight through."""
    import tensorflow as tf

    return values + tf.stop_gradient(tf.round(values / scale) * scale - values)


def _activated(values: Any, options: Any) -> Any:
    import tensorflow as tf

    low, high = {0: (None, None), 1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}[
        options.fusedActivationFunction
    ]
    values = values if low is None else tf.maximum(values, low)
    return values if high is None else tf.minimum(values, high)


def _window(options: Any) -> dict[str, Any]:
    return {
        "strides": [1, options.strideH, options.strideW, 1],
        "padding": ("SAME", "VALID")[options.padding],
    }


def _biased(values: Any, inputs: list[Any]) -> Any:
    return values if len(inputs) < 3 or inputs[2] is None else values + inputs[2]


def _convolution(inputs: list[Any], options: Any) -> Any:
    import tensorflow as tf

    kernel = tf.transpose(inputs[1], (1, 2, 3, 0))
    dilations = [options.dilationHFactor, options.dilationWFactor]
    values = tf.nn.conv2d(inputs[0], kernel, dilations=dilations, **_window(options))
    return _activated(_biased(values, inputs), options)


def _depthwise(inputs: list[Any], options: Any) -> Any:
    import tensorflow as tf

    _, height, width, _ = inputs[1].shape
    kernel = tf.reshape(inputs[1], (height, width, inputs[0].shape[-1], -1))
    dilations = [options.dilationHFactor, options.dilationWFactor]
    values = tf.nn.depthwise_conv2d(inputs[0], kernel, dilations=dilations, **_window(options))
    return _activated(_biased(values, inputs), options)


def _dense(inputs: list[Any], options: Any) -> Any:
    import tensorflow as tf

    values = tf.reshape(inputs[0], (-1, inputs[1].shape[1]))
    return _activated(_biased(tf.matmul(values, inputs[1], transpose_b=True), inputs), options)


def _sum(inputs: list[Any], options: Any) -> Any:
    return _activated(inputs[0] + inputs[1], options)


def _product(inputs: list[Any], options: Any) -> Any:
    return _activated(inputs[0] * inputs[1], options)


def _mean(inputs: list[Any], options: Any) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(inputs[0], inputs[1].tolist(), keepdims=bool(options.keepDims))


def _average(inputs: list[Any], options: Any) -> Any:
    import tensorflow as tf

    size = [1, options.filterHeight, options.filterWidth, 1]
    return _activated(tf.nn.avg_pool2d(inputs[0], size, **_window(options)), options)


def _pad(inputs: list[Any], _: Any) -> Any:
    import tensorflow as tf

    return tf.pad(inputs[0], inputs[1].reshape(-1, 2))


def _reshape(inputs: list[Any], options: Any) -> Any:
    import tensorflow as tf

    shape = inputs[1] if len(inputs) > 1 else options.newShape
    return tf.reshape(inputs[0], (-1, *map(int, shape[1:])))


def _relu6(inputs: list[Any], _: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu6(inputs[0])


def _hard_swish(inputs: list[Any], _: Any) -> Any:
    import tensorflow as tf

    return inputs[0] * tf.nn.relu6(inputs[0] + 3.0) / 6.0


def _sigmoid(inputs: list[Any], _: Any) -> Any:
    import tensorflow as tf

    return tf.sigmoid(inputs[0])


_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_OPERATORS: dict[str, Callable[[list[Any], Any], Any]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "ADD": _sum,
    "MEAN": _mean,
    "AVERAGE_POOL_2D": _average,
    "PAD": _pad,
    "RESHAPE": _reshape,
    "RELU6": _relu6,
    "MUL": _product,
    "HARD_SWISH": _hard_swish,
    "LOGISTIC": _sigmoid,
}
