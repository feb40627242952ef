"""The parameters of an architecture: those of a published file, or seeded random ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packager.backbones.layers import ParameterShapes
from packager.errors import WeightsError

if TYPE_CHECKING:
    from packager.backbones.state_dict import Array

# Layer -> its parameters, in the order and the shapes of `ParameterShapes.shapes`.
Parameters = Mapping[str, tuple["Array", ...]]


@dataclass(frozen=True)
class Naming:
    """A library's names for a layer's parameters, and its order of their axes.

    Attributes:
        kernel, norm: the parts of a convolution or a matrix, and of a BatchNorm, in our order.
        separator: between layer and part.
        axes: by number of our axes, and "depthwise": the library's order of them.
    """

    kernel: tuple[str, ...]
    norm: tuple[str, ...]
    separator: str
    axes: Mapping[int | str, tuple[int, ...]]


PYTORCH = Naming(
    ("weight", "bias"),
    ("weight", "bias", "running_mean", "running_var"),
    ".",
    {4: (3, 2, 0, 1), "depthwise": (2, 3, 0, 1), 2: (1, 0), 1: (0,)},
)
KERAS = Naming(
    ("kernel", "bias"),
    ("gamma", "beta", "moving_mean", "moving_variance"),
    "/",
    {4: (0, 1, 2, 3), "depthwise": (0, 1, 2, 3), 2: (0, 1), 1: (0,)},
)


def published_parameters(
    wanted: ParameterShapes,
    tensors: Mapping[str, Array],
    known_names: tuple[Mapping[str, str], ...],
    naming: Naming,
    *,
    where: Path,
    fix: str,
) -> Parameters:
    """The parameters of a published file.

    Args:
        wanted: the layers to fill.
        tensors: what the file holds.
        known_names: layer -> what a publisher calls it, one mapping for each publisher; the one
            that fits best is used.
        naming: of the library that wrote the file.
        where: the file; fix: the advice of the message.

    Returns:
        Float32 arrays.

    Raises:
        WeightsError: a tensor is missing, unexpected, of another shape or not finite; the
            message names the first.
    """
    import numpy as np

    def refuse(what: str) -> WeightsError:
        return WeightsError(what, where=where, fix=fix)

    def called(name: str, part: str) -> str:
        return f"{name}{naming.separator}{part}"

    names = max(
        known_names,
        key=lambda names: sum(called(name, naming.kernel[0]) in tensors for name in names.values()),
    )
    found: dict[str, tuple[Array, ...]] = {}
    used = set()
    for layer, shapes in wanted.shapes.items():
        arrays = []
        parts = naming.norm if layer.endswith("_norm") else naming.kernel
        for part, shape in zip(parts, shapes, strict=False):
            name = called(names[layer], part)
            depthwise = layer in wanted.depthwise_layers and len(shape) == 4
            axes = naming.axes["depthwise" if depthwise else len(shape)]
            published = tuple(shape[axis] for axis in axes)
            tensor = tensors.get(name)
            if tensor is None:
                raise refuse(f"the file has no tensor {name!r} of shape {published}")
            if tensor.shape != published or tensor.dtype.kind != "f":
                is_now = f"{tensor.dtype} of shape {tensor.shape}"
                raise refuse(f"tensor {name!r} is {is_now}, not floats of shape {published}")
            if not np.isfinite(tensor).all():
                raise refuse(f"tensor {name!r} holds values that are not finite numbers")
            arrays.append(np.transpose(tensor, np.argsort(axes)).astype(np.float32))
            used.add(name)
        found[layer] = tuple(arrays)
    used |= {called(names["classes"], part) for part in naming.kernel}  # without a classifier too
    for name in tensors:
        if name not in used and not name.endswith("num_batches_tracked"):
            raise refuse(f"the file has a tensor {name!r} that this model doesn't have")
    return found


def drawn_parameters(wanted: ParameterShapes, seed: int) -> Parameters:
    """Random kernels, the same for the same seed; BatchNorm is the identity but for its epsilon.

    He et al. 2015 (https://arxiv.org/abs/1502.01852): normal, by the fan out.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    drawn: dict[str, tuple[Array, ...]] = {}
    for layer, shapes in wanted.shapes.items():
        if layer.endswith("_norm"):
            ones, zeros = np.ones(shapes[0], np.float32), np.zeros(shapes[0], np.float32)
            drawn[layer] = (ones, zeros, zeros, ones)
            continue
        *window, _, channels = shapes[0]
        deviation = math.sqrt(2 / (math.prod(window) * channels))
        kernel = generator.normal(0, deviation, shapes[0]).astype(np.float32)
        drawn[layer] = (kernel, *(np.zeros(shape, np.float32) for shape in shapes[1:]))
    return drawn
