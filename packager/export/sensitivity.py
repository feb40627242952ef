"""What quantization does to a classifier's logits, as a whole and layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from packager import pool
from packager.export import flatbuffer
from packager.progress import SILENT, Progress


@dataclass(frozen=True)
class LayerError:
    """One operator quantized alone.

    Attributes:
        operator: its number in the float model.
        name: of its output.
        sqnr_db: signal-to-quantization-noise ratio of the logits, dB.
    """

    operator: int
    name: str
    sqnr_db: float


class LogitNoise:
    """The float model's own logits over some samples, to compare quantized ones with.

    Args:
        model: the float .tflite.
        samples: float32 [1, size, size, 3] each, normalised; kept in memory.
    """

    def __init__(self, model: bytes, samples: Iterable[np.ndarray[Any, Any]]) -> None:
        self._samples = list(samples)
        self._logits = logits(model, self._samples)

    def sqnr_db(self, quantized: bytes) -> float:
        """Signal-to-quantization-noise ratio of a model with float32 input, dB.

        The mean over the samples, so that one odd photo counts as one. What all classes' logits
        have in common is left out: softmax doesn't see it.
        """
        noise = logits(quantized, self._samples) - self._logits
        signal_power, noise_power = (
            np.maximum(np.square(each - each.mean(axis=1, keepdims=True)).sum(axis=1), 1e-20)
            for each in (self._logits, noise)
        )
        return float(10 * np.log10(signal_power / noise_power).mean())


def logits(model: bytes, samples: Iterable[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """What enters the softmax: float32 [samples, classes], of a model with float32 input."""
    parsed = flatbuffer.unpack(model)
    values = list(values_of(model, logits_operator(parsed), samples))
    return np.concatenate(values).reshape(len(values), -1)


def values_of(
    model: bytes, operator: int, samples: Iterable[np.ndarray[Any, Any]]
) -> Iterable[np.ndarray[Any, Any]]:
    """The output of one operator for each sample, float32 (dequantized where it's integer)."""
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    graph.operators = graph.operators[: operator + 1]
    graph.outputs = graph.operators[operator].outputs
    parsed.signatureDefs = []
    part = flatbuffer.pack(parsed)
    return pool.each(lambda: _Part(part), _Part.run, samples)


def logits_operator(model: Any) -> int:
    """The number of the operator that makes the logits: the last before the softmax."""
    operators = model.subgraphs[0].operators
    number = len(operators) - 1
    while number and flatbuffer.builtin_of(model, operators[number]) in _after_logits():
        number -= 1
    return number


def layer_errors(
    model: bytes,
    quantize_but: Callable[[Collection[int]], bytes],
    noise: LogitNoise,
    *,
    progress: Progress = SILENT,
) -> tuple[LayerError, ...]:
    """Each operator quantized while all others stay float, the most harmful first.

    One alone, because errors add up: what leaving one out of many gains is lost among the
    others' errors. Where a tensor is what suffers, the operators on both sides of it show it,
    and both are needed in float to save it.

    Args:
        quantize_but: the model quantized, but for the operators of these numbers, with float32
            input and output.
    """
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    numbers = range(logits_operator(parsed) + 1)
    everything = set(range(len(graph.operators)))
    found = []
    with progress.phase("Measuring layers", len(numbers)) as phase:
        for number in numbers:
            alone = quantize_but(everything - {number})
            name = flatbuffer.name_of(graph.tensors[graph.operators[number].outputs[0]])
            name = name.split(";")[0]  # the converter joins the names of what it fuses
            found.append(LayerError(number, name, noise.sqnr_db(alone)))
            phase.advance()
    return tuple(sorted(found, key=lambda each: each.sqnr_db))


def _after_logits() -> set[int]:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    return {BuiltinOperator.SOFTMAX, BuiltinOperator.QUANTIZE, BuiltinOperator.DEQUANTIZE}


class _Part:
    """One thread's interpreter of the beginning of a model, with one output."""

    def __init__(self, model: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]

    def run(self, sample: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        self._interpreter.set_tensor(self._input, sample)
        self._interpreter.invoke()
        values = self._interpreter.get_tensor(self._output["index"])
        if values.dtype == np.float32:
            return np.asarray(values)
        scale, zero_point = self._output["quantization"]
        return np.asarray((values.astype(np.float32) - zero_point) * np.float32(scale))
