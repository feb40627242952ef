"""Class activation maps: the contribution of each place to a class's logit.

Zhou et al. 2016, "Learning Deep Features for Discriminative Localization" (arXiv:1512.04150).
Where the head is linear on averaged features, the logit of a class is the mean over all places of
the head's weights times the features there, so the map is exact; in an int8 file too, whose own
weights and features are read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from packager.classifier_interface import classifier_interface, fix_size
from packager.export import flatbuffer
from packager.inference import Normalisation, check_normalisation, entry_table, numbers
from packager.metadata.container import open_model

Array = np.ndarray[Any, Any]

_TYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 9: np.int8}
_MALFORMED = (struct.error, ValueError, TypeError, IndexError, AttributeError, KeyError)


@dataclass(frozen=True)
class LinearHead:
    """The parts of a model that the maps are computed from.

    Attributes:
        model: the file; probe: the same with the map of features as a second output.
        weights: float32 [classes, channels].
    """

    model: bytes
    probe: bytes
    weights: Array


def linear_head(model: bytes) -> LinearHead | None:
    """The head of a file that averages a map of features and is linear from there on, or None."""
    try:
        return _Search(model).found()
    except _MALFORMED:  # a file that is built in another way than this search expects
        return None


class ActivationMaps:
    """A model with such a head in an interpreter, for one thread.

    Attributes:
        size: height and width of the input; classes: how many the head has. A class "unknown"
            that was added behind it has no map.
    """

    def __init__(self, head: LinearHead, normalisation: Normalisation | None) -> None:
        from ai_edge_litert.interpreter import Interpreter

        file = open_model(head.model, unpack=False)
        interface = classifier_interface(file)
        _, self.size = fix_size(file, head.model, interface)
        check_normalisation(interface, normalisation, None)
        self._table = entry_table(interface.image, normalisation) if normalisation else None
        self._weights = head.weights - head.weights.mean(axis=0)
        self.classes = len(head.weights)
        self._interpreter = Interpreter(model_content=head.probe, num_threads=1)
        self._interpreter.allocate_tensors()
        self._image, self._scores = interface.image, interface.scores
        self._map = self._interpreter.get_output_details()[1]

    def run(self, pixels: Array) -> tuple[Array, Array]:
        """Scores float32 [scores] and maps float32 [classes, rows, columns] of uint8 [h, w, 3].

        A place's value is what it adds to the class's logit, less what it adds to those of all
        classes on average: the softmax doesn't see that. Their mean over all places is the
        logit so centred, but for the bias.
        """
        values = pixels if self._table is None else self._table[np.arange(3), pixels]
        self._interpreter.set_tensor(self._image.index, np.ascontiguousarray(values[None]))
        self._interpreter.invoke()
        raw = self._interpreter.get_tensor(self._scores.index).reshape(-1)
        features = self._interpreter.get_tensor(self._map["index"])[0].astype(np.float32)
        scale, zero = self._map["quantization"]
        if scale:
            features = (features - zero) * np.float32(scale)
        return numbers(raw, self._scores), np.tensordot(self._weights, features, ([1], [2]))


class _Search:
    """From the scores back to the map of features."""

    def __init__(self, model: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._content, self._model = model, flatbuffer.unpack(model)
        self._graph = self._model.subgraphs[0]
        self._names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
        self._made_by = {int(each.outputs[0]): each for each in self._graph.operators}

    def found(self) -> LinearHead | None:
        """The head, or None when the file is built in another way."""
        index = self._back(
            int(self._graph.outputs[0]),
            ("SOFTMAX", "LOGISTIC", "CONCATENATION", "RESHAPE", "SQUEEZE"),
        )
        dense = self._made_by.get(index)
        if dense is None or self._kind(dense) not in ("FULLY_CONNECTED", "CONV_2D"):
            return None
        weights = self._values(int(dense.inputs[1]))
        if weights is None:
            return None
        weights = weights.reshape(weights.shape[0], -1)
        pool = self._made_by.get(self._back(int(dense.inputs[0]), ("RESHAPE", "SQUEEZE")))
        if pool is None or self._kind(pool) not in ("MEAN", "AVERAGE_POOL_2D"):
            return None
        features = self._graph.tensors[int(pool.inputs[0])]
        shape = [int(side) for side in features.shape]
        pooled = [int(side) for side in self._graph.tensors[int(pool.outputs[0])].shape]
        if len(shape) != 4 or shape[3] != weights.shape[1] or np.prod(pooled) != shape[3]:
            return None
        self._graph.outputs = [int(self._graph.outputs[0]), int(pool.inputs[0])]
        self._model.signatureDefs = []
        self._model.metadata = []  # counts the outputs, and there's one more
        return LinearHead(self._content, flatbuffer.pack(self._model), weights)

    def _back(self, index: int, through: tuple[str, ...]) -> int:
        """The tensor that this one was made of by operators that leave its places alone."""
        kinds = (*through, "QUANTIZE", "DEQUANTIZE")
        while (made := self._made_by.get(index)) is not None and self._kind(made) in kinds:
            index = int(made.inputs[0])
        return index

    def _kind(self, operator: Any) -> str:
        return str(self._names.get(flatbuffer.builtin_of(self._model, operator), ""))

    def _values(self, index: int) -> Array | None:
        """A constant as float32, also when it is quantized."""
        tensor = self._graph.tensors[self._back(index, ())]
        data = self._model.buffers[tensor.buffer].data
        if data is None or tensor.type not in _TYPES:
            return None
        raw = np.asarray(data, np.uint8).tobytes()
        values = np.frombuffer(raw, _TYPES[tensor.type]).reshape([int(s) for s in tensor.shape])
        values = values.astype(np.float32)
        quantization = tensor.quantization
        if quantization is None or quantization.scale is None or not len(quantization.scale):
            return values
        along = [1] * values.ndim
        along[int(quantization.quantizedDimension) if len(quantization.scale) > 1 else 0] = -1
        zero, scale = (
            np.asarray(each, np.float32).reshape(along)
            for each in (quantization.zeroPoint, quantization.scale)
        )
        return np.asarray((values - zero) * scale, np.float32)
