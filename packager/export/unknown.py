"""A class "unknown" in a finished classifier's file, from operators that every runtime has.

Behind the feature vector v come its direction u = v / |v|, the fully connected
slope * (threshold - d . u) for each class direction d, and the least of these: how far v is
below the threshold. Added to the greatest logit, it is the logit of "unknown", which so wins just
when v is too far from all directions. In an int8 file all of it is int8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from packager.errors import ModelFileError
from packager.export import flatbuffer

_REACH = 8.0  # logits beyond the best class, either way, that int8 has room for
_L2_SCALE = 1 / 128  # of L2_NORMALIZATION's int8 output, by the quantization specification
# From a sum of squares of 2^21 on, LiteRT's integer kernel makes units that are 5 % too long.
_L2_STEPS = 2**10.25


@dataclass(frozen=True)
class UnknownRule:
    """The decision rule of the class "unknown".

    Attributes:
        directions: float32 [directions, width], each of length 1 unless there were
            counter-examples.
        threshold: the greatest product with a direction below which a unit vector is unknown.
        slope: logits by which "unknown" falls for each 1 of nearness above the threshold.
        length: of the longest feature vectors; 0 where it isn't known.
    """

    directions: np.ndarray[Any, Any]
    threshold: float
    slope: float
    length: float = 0.0


def attach_unknown(model: bytes, rule: UnknownRule) -> bytes:
    """The classifier with the class "unknown" added as the last score.

    Args:
        model: a .tflite as `head.attach_head` makes it, quantized or not, without metadata.
        rule: its directions are as long as the model's feature vector.

    Raises:
        ModelFileError: the model doesn't end in a fully connected layer and a softmax.
    """
    return flatbuffer.pack(_Graph(flatbuffer.unpack(model), rule).extended())


class _Graph:
    """The model's objects while the class is added."""

    def __init__(self, model: Any, rule: UnknownRule) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema, self._kinds = schema, schema.BuiltinOperator
        self._model, self._graph, self._rule = model, model.subgraphs[0], rule
        self._added: list[Any] = []

    def extended(self) -> Any:
        """The model, changed in place."""
        operators = self._graph.operators
        place = next(
            (n for n, each in enumerate(operators) if self._is(each, self._kinds.SOFTMAX)), None
        )
        if place is None:
            raise _no_head()
        softmax = operators[place]
        logits = int(softmax.inputs[0])
        features = self._features(logits)
        types = self._schema.TensorType
        scores = int(softmax.outputs[0])
        whole = [self._tensor(each).type == types.INT8 for each in (features, logits, scores)]
        if all(whole):
            self._integer(features, logits, softmax)
        else:
            self._floating(features, logits, softmax)
        self._graph.operators = [*operators[:place], *self._added, *operators[place:]]
        self._widen(operators[place:])
        return self._model

    def _features(self, logits: int) -> int:
        """What the fully connected layer before the softmax reads."""
        casts = (self._kinds.QUANTIZE, self._kinds.DEQUANTIZE)
        made_by = {int(each.outputs[0]): each for each in self._graph.operators}
        operator = made_by.get(logits)
        while operator is not None and any(self._is(operator, kind) for kind in casts):
            operator = made_by.get(int(operator.inputs[0]))
        if operator is None or not self._is(operator, self._kinds.FULLY_CONNECTED):
            raise _no_head()
        return int(operator.inputs[0])

    def _floating(self, features: int, logits: int, softmax: Any) -> None:
        rule, classes = self._rule, self._width(logits)
        features, logits = self._as_float(features), self._as_float(logits)
        near = self._near(
            features,
            self._constant("unknown/directions", -rule.slope * rule.directions),
            self._constant("unknown/threshold", self._thresholds()),
        )
        both = self._scores(logits, near, classes)
        softmax.inputs = [both]
        scores = int(softmax.outputs[0])
        if self._tensor(scores).type != self._schema.TensorType.FLOAT32:
            shares = self._computed("scores/float", (1, classes))
            softmax.outputs = [shares]
            cast = flatbuffer.new_operator(
                self._model, self._kinds.QUANTIZE, [shares], scores, self._schema.QuantizeOptionsT()
            )
            operators = self._graph.operators
            operators.insert(operators.index(softmax) + 1, cast)
        softmax.opcodeIndex = flatbuffer.operator_code(self._model, self._kinds.SOFTMAX, 1)

    def _integer(self, features: int, logits: int, softmax: Any) -> None:
        rule, classes = self._rule, self._width(logits)
        types = self._schema.TensorType
        weights = -rule.slope * rule.directions
        scale = float(np.abs(weights).max()) / 127
        kernel = self._constant(
            "unknown/directions", np.rint(weights / scale).astype(np.int8), types.INT8, (scale, 0)
        )
        unit = scale * _L2_SCALE
        bias = np.rint(self._thresholds() / unit).astype(np.int32)
        bias_place = self._constant("unknown/threshold", bias, types.INT32, (unit, 0))
        self._make_room(logits)
        near = self._near(self._short(features), kernel, bias_place, (2 * _REACH / 255, 0))
        softmax.inputs = [self._scores(logits, near, classes)]

    def _short(self, features: int) -> int:
        """The vector in steps so large that the kernel of L2_NORMALIZATION stays exact."""
        quantization = self._tensor(features).quantization
        scale, zero = float(quantization.scale[0]), int(quantization.zeroPoint[0])
        coarser = self._rule.length / scale / _L2_STEPS
        if coarser <= 1:
            return features
        shape = (1, self._width(features))
        short = self._computed("unknown/features", shape, (scale * coarser, zero))
        self._operator("QUANTIZE", self._schema.QuantizeOptionsT(), [features], short, 2)
        return short

    def _make_room(self, logits: int) -> None:
        """Logits get a scale that holds "unknown" too, however far above the others it is."""
        parameters = self._tensor(logits).quantization
        scale, zero = float(parameters.scale[0]), int(parameters.zeroPoint[0])
        low, high = (-128 - zero) * scale, (127 - zero) * scale + _REACH
        wider = (high - low) / 255
        parameters.scale = np.array([wider], np.float32)
        parameters.zeroPoint = np.array([round(-128 - low / wider)], np.int64)

    def _near(
        self, features: int, kernel: int, bias: int, scale: tuple[float, int] | None = None
    ) -> int:
        """slope * (threshold - nearness), [1, 1]."""
        schema, count = self._schema, len(self._rule.directions)
        shape = (1, self._width(features))
        unit = self._computed("unknown/direction", shape, scale and (_L2_SCALE, 0))
        self._operator("L2_NORMALIZATION", schema.L2NormOptionsT(), [features], unit, 2)
        each = self._computed("unknown/distances", (1, count), scale)
        dense = schema.FullyConnectedOptionsT()
        self._operator("FULLY_CONNECTED", dense, [unit, kernel, bias], each, 4)
        return self._reduced("REDUCE_MIN", each, "unknown/distance")

    def _scores(self, logits: int, near: int, classes: int) -> int:
        """All logits, "unknown" last, [1, classes + 1]."""
        schema, own = self._schema, self._parameters(logits)
        best = self._reduced("REDUCE_MAX", logits, "unknown/best")
        other = self._computed("unknown/logit", (1, 1), own)
        self._operator("ADD", schema.AddOptionsT(), [best, near], other, 2)
        both = self._computed("unknown/logits", (1, classes + 1), own)
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        self._operator("CONCATENATION", options, [logits, other], both, 2)
        return both

    def _reduced(self, kind: str, source: int, name: str) -> int:
        options = self._schema.ReducerOptionsT()
        options.keepDims = True
        axes = self._constant(
            f"{name}/axes", np.array([1], np.int32), self._schema.TensorType.INT32
        )
        result = self._computed(name, (1, 1), self._parameters(source))
        self._operator(kind, options, [source, axes], result, 2)
        return result

    def _as_float(self, index: int) -> int:
        tensor = self._tensor(index)
        if tensor.type == self._schema.TensorType.FLOAT32:
            return index
        name = f"{flatbuffer.name_of(tensor)}/float"
        result = self._computed(name, tuple(int(side) for side in tensor.shape))
        wide = tensor.type == self._schema.TensorType.INT16
        self._added.append(
            flatbuffer.new_operator(
                self._model, self._kinds.DEQUANTIZE, [index], result,
                self._schema.DequantizeOptionsT(), 3 if wide else 2,
            )
        )  # fmt: skip
        return result

    def _widen(self, rest: list[Any]) -> None:
        """One score more, from the softmax to the end."""
        for operator in rest:
            for index in operator.outputs:
                tensor = self._tensor(int(index))
                tensor.shape = [*tensor.shape[:-1], int(tensor.shape[-1]) + 1]

    def _operator(self, kind: str, options: Any, inputs: list[int], output: int, int8: int) -> None:
        """`int8`: the version of the operator that first took int8."""
        integer = self._tensor(output).type == self._schema.TensorType.INT8
        self._added.append(
            flatbuffer.new_operator(
                self._model, getattr(self._kinds, kind), inputs, output, options,
                int8 if integer else 1,
            )
        )  # fmt: skip

    def _computed(
        self, name: str, shape: tuple[int, ...], scale: tuple[float, int] | None = None
    ) -> int:
        types = self._schema.TensorType
        dtype = types.FLOAT32 if scale is None else types.INT8
        return self._scaled(flatbuffer.add_tensor(self._model, name, shape, dtype), scale)

    def _constant(
        self,
        name: str,
        values: np.ndarray[Any, Any],
        dtype: int | None = None,
        scale: tuple[float, int] | None = None,
    ) -> int:
        if dtype is None:
            dtype, values = self._schema.TensorType.FLOAT32, values.astype(np.float32)
        buffer = flatbuffer.add_buffer(self._model, values)
        index = flatbuffer.add_tensor(self._model, name, values.shape, dtype, buffer)
        return self._scaled(index, scale)

    def _scaled(self, index: int, scale: tuple[float, int] | None) -> int:
        if scale is not None:
            parameters = self._schema.QuantizationParametersT()
            parameters.scale = np.array([scale[0]], np.float32)
            parameters.zeroPoint = np.array([scale[1]], np.int64)
            self._tensor(index).quantization = parameters
        return index

    def _parameters(self, index: int) -> tuple[float, int] | None:
        tensor = self._tensor(index)
        if tensor.type == self._schema.TensorType.FLOAT32:
            return None
        return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])

    def _thresholds(self) -> np.ndarray[Any, Any]:
        rule = self._rule
        return np.full(len(rule.directions), rule.slope * rule.threshold)

    def _width(self, index: int) -> int:
        return int(self._tensor(index).shape[-1])

    def _tensor(self, index: int) -> Any:
        return self._graph.tensors[index]

    def _is(self, operator: Any, kind: int) -> bool:
        return flatbuffer.builtin_of(self._model, operator) == kind


def _no_head() -> ModelFileError:
    return ModelFileError(
        "the model doesn't end in a fully connected layer and a softmax",
        fix="An 'unknown' class can only be added to models that packager built.",
    )
