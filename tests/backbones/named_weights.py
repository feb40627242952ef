"""Weights that follow from the tensors' names, so that no file is needed to have the same again."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Mapping

import numpy as np


def named_tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """float32, random by the name alone, of a size that keeps what a network computes near 1."""
    seed = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shape) > 1:  # [out, in, ...], as PyTorch orders the axes
        return seed.normal(0, math.prod(shape[1:]) ** -0.5, shape).astype(np.float32)
    if name.endswith(("running_var", "weight")):
        return seed.uniform(0.5, 1.5, shape).astype(np.float32)
    return seed.normal(0, 0.2, shape).astype(np.float32)


def picture(size: int, seed: int) -> np.ndarray:
    """uint8 [size, size, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


def listing(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """A digest over all names and shapes."""
    lines = (f"{name} {'x'.join(map(str, shape))}" for name, shape in sorted(shapes.items()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
