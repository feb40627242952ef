"""One mean and one standard deviation outside, what the publisher's weights expect inside.

A .tflite file's clients normalise all channels alike. Weights that were trained on other units
(each channel its own, or blue first) get a fixed convolution of 1 by 1 in front, because any other
layer becomes MUL and ADD. Folded into the first convolution it would be wrong at the border, where
networks pad with zeros of their own units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from packager.specs import ModelSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Of most ImageNet models of PyTorch, torchvision's and timm's; red, green, blue.
TORCH_MEAN = tuple(255 * mean for mean in (0.485, 0.456, 0.406))
TORCH_STD = tuple(255 * std for std in (0.229, 0.224, 0.225))


def unit_change(
    spec: ModelSpec, mean: Sequence[float], std: Sequence[float], bgr: bool = False
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """From (x - spec.mean) / spec.std to (x - mean) / std of each channel.

    Args:
        mean, std: red, green, blue, for pixel values x of 0..255.
        bgr: whether the channels come out in the order blue, green, red.

    Returns:
        Kernel [1, 1, 3, 3] (in, out) and bias [3] of a convolution.
    """
    import numpy as np

    divisor = np.asarray(std, np.float64)
    kernel, bias = np.diag(spec.std / divisor), (spec.mean - np.asarray(mean)) / divisor
    if bgr:
        kernel, bias = kernel[:, ::-1], bias[::-1]
    return kernel[None, None].astype(np.float32), bias.astype(np.float32)


def change_units(
    image: Any, spec: ModelSpec, name: str, mean: Sequence[float], std: Sequence[float],
    bgr: bool = False,
) -> Any:  # fmt: skip
    """The layer that does it, called `name`, on a Keras tensor [N, height, width, 3]."""
    from keras import initializers, layers

    kernel, bias = unit_change(spec, mean, std, bgr)
    return layers.Conv2D(
        3, 1, name=name, trainable=False,
        kernel_initializer=initializers.Constant(kernel.tolist()),
        bias_initializer=initializers.Constant(bias.tolist()),
    )(image)  # fmt: skip
