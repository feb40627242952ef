"""The parameters and multiply-adds of a model, from its graph.

Counted as in the MobileNet papers (Howard et al. 2017, arXiv:1704.04861, section 3; Sandler et
al. 2018, arXiv:1801.04381, table 4): a multiplication and the addition after it are one
multiply-add, in convolutions and matrix products; biases, activations, residual additions and
pooling don't count. Papers count the network as it is trained; this counts the file as it runs:
batch normalization is folded into the convolutions, and the head has the file's own classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packager.metadata.container import open_model

# TFLite's BuiltinOperator
_CONV_2D, _DEPTHWISE_CONV_2D, _FULLY_CONNECTED, _TRANSPOSE_CONV, _BATCH_MATMUL = 3, 4, 9, 67, 126

Shape = Sequence[int]


@dataclass(frozen=True)
class ModelCost:
    """Parameters: kernels and biases, element by element; multiply-adds: of one inference."""

    parameters: int
    multiply_adds: int


def model_cost(path: Path) -> ModelCost:
    """Of a .tflite file, the same whatever its quantization.

    Raises `ModelFileError` when it can't be read or isn't a whole model.
    """
    tree = open_model(path, unpack=False).tree
    parameters, multiply_adds = 0, 0
    for graph in tree["subgraphs"]:
        for operator in graph["operators"]:
            code = tree["operator_codes"][operator.get("opcode_index", 0)]
            # Two fields, since the first was a byte; the larger one holds.
            kind = max(code.get("deprecated_builtin_code", 0), code.get("builtin_code", 0))
            ends = [*operator["inputs"], *operator["outputs"][:1]]
            shapes = [graph["tensors"][i].get("shape", ()) if i >= 0 else (0,) for i in ends]
            constants, products = _cost(kind, shapes)
            # By operator: converters keep equal constants, such as biases of zero, only once.
            parameters += sum(map(math.prod, constants))
            multiply_adds += products
    return ModelCost(parameters, multiply_adds)


def _cost(kind: int, shapes: list[Shape]) -> tuple[list[Shape], int]:
    """Kernel and bias of an operator, and its multiply-adds; `shapes`: of inputs and output."""
    if kind in (_CONV_2D, _DEPTHWISE_CONV_2D):  # the whole kernel at each pixel of the output
        return shapes[1:-1], math.prod(shapes[-1][:3]) * math.prod(shapes[1])
    if kind == _TRANSPOSE_CONV:  # and here of the input; the first input is the output's shape
        return [shapes[1], *shapes[3:-1]], math.prod(shapes[2][:3]) * math.prod(shapes[1])
    if kind == _FULLY_CONNECTED:
        return shapes[1:-1], math.prod(shapes[0]) * shapes[1][0]
    if kind == _BATCH_MATMUL:
        return [], math.prod(shapes[0]) * shapes[-1][-1]
    return [], 0
