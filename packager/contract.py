"""`model_spec.json`: what an app has to know of the model that lies beside it.

The app checks it against the model when it loads, and hard-codes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from packager import __version__
from packager.evaluation import Evaluation
from packager.export import flatbuffer
from packager.inference import Normalisation

FORMAT = 1
MODEL_FILE = "model.tflite"
LABELS_FILE = "labels.txt"


def model_spec(
    model: bytes,
    *,
    name: str,
    spec: str,
    quantization: str,
    model_file: str,
    labels: Sequence[str],
    normalisation: Normalisation,
    evaluation: Evaluation,
) -> dict[str, Any]:
    """The contract as JSON values, for a file that packager made.

    `evaluation` is the file's own, over the test photos. Scale and zero point are null for a
    float tensor; `mean` and `std` apply to pixels 0..255 and matter to float and int8 input only
    (a uint8 model takes the pixels as they are).
    """
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    return {
        "format": FORMAT,
        "model": {
            "name": name,
            "file": model_file,
            "bytes": len(model),
            "sha256": hashlib.sha256(model).hexdigest(),
            "spec": spec,
            "quantization": quantization,
        },
        "input": {
            **_tensor(graph.tensors[graph.inputs[0]]),
            "color_space": "RGB",
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
        },
        "resize": {"rule": "stretch", "interpolation": "bilinear", "antialias": False},
        "output": {**_tensor(graph.tensors[graph.outputs[0]]), "semantics": "probabilities"},
        "labels": {
            "file": LABELS_FILE,
            "count": len(labels),
            "sha256": hashlib.sha256(labels_text(labels).encode()).hexdigest(),
        },
        "accuracy": {
            "photos": len(evaluation.photos),
            **{each.view: {"top1": each.top1, "top5": each.top5} for each in evaluation.views},
        },
        "versions": {"packager": __version__},
    }


def labels_text(labels: Sequence[str]) -> str:
    """labels.txt: a label a line, in the order of the scores."""
    return "".join(f"{label}\n" for label in labels)


def _tensor(tensor: Any) -> dict[str, Any]:
    from ai_edge_litert import schema_py_generated as schema

    names = {
        schema.TensorType.FLOAT32: "float32",
        schema.TensorType.UINT8: "uint8",
        schema.TensorType.INT8: "int8",
    }
    parameters = tensor.quantization
    quantized = parameters is not None and parameters.scale is not None and len(parameters.scale)
    return {
        "name": flatbuffer.name_of(tensor),
        "shape": [int(size) for size in tensor.shape],
        "dtype": names[tensor.type],
        "scale": float(parameters.scale[0]) if quantized else None,
        "zero_point": int(parameters.zeroPoint[0]) if quantized else None,
    }
