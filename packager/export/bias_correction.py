"""Bias correction: the median error of each logit, subtracted from the head's bias.

Empirical bias correction (Nagel et al. 2019, arXiv:1906.04721, section 4.2) of the last layer
alone, for the errors of all layers. The median in place of the mean: one odd photo moves it little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from packager.export import flatbuffer
from packager.export.sensitivity import logits, logits_operator


def corrected_bias(
    model: bytes, quantized: bytes, samples: Callable[[], Iterable[np.ndarray[Any, Any]]]
) -> bytes:
    """The float model with another bias of the head; quantize it in the same ranges.

    Args:
        model: a float classifier as `head.attach_head` makes it.
        quantized: the same quantized, with float32 input.
        samples: gives the representative dataset; called twice.
    """
    error = logits(quantized, samples()) - logits(model, samples())
    error -= error.mean(axis=1, keepdims=True)  # softmax doesn't see what classes have in common
    parsed = flatbuffer.unpack(model)
    graph = parsed.subgraphs[0]
    bias = graph.tensors[graph.operators[logits_operator(parsed)].inputs[2]]
    values = flatbuffer.constant(parsed, bias)
    assert values is not None
    corrected = (values - np.median(error, axis=0)).astype(np.float32)
    bias.buffer = flatbuffer.add_buffer(parsed, corrected)
    return flatbuffer.pack(parsed)
