"""What an architecture is written in: one description, several builders behind it.

`keras_layers.KerasLayers` makes a model that can be trained, `export.operators.Operators` a
.tflite, and `ParameterShapes` tells which numbers they need. Every convolution is followed by
BatchNorm, and by the family's activation unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Convention:
    """How one family of models computes.

    Attributes:
        epsilon: of every BatchNorm.
        symmetric: pad both sides alike at stride 2, as PyTorch does; otherwise TensorFlow's SAME,
            which pads an even image at the bottom and the right only.
        bias: whether convolutions have one beside BatchNorm's.
        activation: "relu6" or "relu".
    """

    epsilon: float
    symmetric: bool = False
    bias: bool = False
    activation: str = "relu6"

    def border(self, kernel: int, stride: int) -> int:
        """Rows and columns of zeros, at the bottom and the right, that a kernel gets.

        An even kernel makes SAME pad an even image alike on both sides. So a symmetric kernel
        of stride 2 gets one row and one column of zeros more: the same numbers come out, and no
        PAD is needed in the graph.
        """
        return int(self.symmetric and stride == 2 and kernel > 1)


class Layers(Protocol):
    """What a builder offers; a value `x` is whatever the builder hands out."""

    def image(self, size: int) -> Any:
        """The input: float32 [1, size, size, 3]."""

    def channels(self, x: Any) -> int:
        """The last axis of `x`."""

    def units(self, x: Any, name: str, kernel: Any, bias: Any) -> Any:
        """A fixed convolution: kernel [1, 1, 3, 3] (in, out) and bias [3]."""

    def convolution(
        self, x: Any, name: str, channels: int, kernel: int = 1, stride: int = 1, act: bool = True
    ) -> Any:
        """`channels` filters over all the channels of x."""

    def depthwise(self, x: Any, name: str, kernel: int, stride: int) -> Any:
        """One filter for each channel of x."""

    def add(self, x: Any, y: Any, name: str, act: bool = False) -> Any:
        """The sum of two values of one shape; with `act` the activation after it."""

    def max_pool(self, x: Any, name: str) -> Any:
        """The largest of 3 by 3 at stride 2, with zeros around."""

    def features(self, x: Any) -> Any:
        """Global average pooling: [1, channels]."""

    def classes(self, x: Any, count: int) -> Any:
        """The softmax over `count` classes of a feature vector."""


def inverted_residual(
    net: Layers, x: Any, name: str, channels: int, kernel: int, stride: int, expand: int
) -> Any:
    """Expand, filter, project; added to x where the shapes allow.

    Sandler et al. 2018 (https://arxiv.org/abs/1801.04381), section 3.3; EfficientNet-Lite has it
    without squeeze-and-excitation.
    """
    entry, width = x, net.channels(x)
    if expand > 1:
        x = net.convolution(x, f"{name}_expand", width * expand)
    x = net.depthwise(x, f"{name}_depthwise", kernel, stride)
    x = net.convolution(x, f"{name}_project", channels, act=False)
    return net.add(entry, x, f"{name}_add") if stride == 1 and width == channels else x


class ParameterShapes:
    """Collects the shapes of all parameters; a value is its number of channels.

    Attributes:
        shapes: layer -> shapes of its parameters, in the order of the network, without borders.
            "NAME_conv": kernel [height, width, in, out], or [height, width, channels, 1] of a
            depthwise one, and the bias if there is one; "NAME_norm": gamma, beta, mean and
            variance; "classes": kernel [in, out] and bias.
        depthwise_layers: the names of those with a depthwise kernel.
    """

    def __init__(self, convention: Convention) -> None:
        self._bias = convention.bias
        self.shapes: dict[str, tuple[tuple[int, ...], ...]] = {}
        self.depthwise_layers: set[str] = set()

    def image(self, size: int) -> int:
        """See `Layers`."""
        return 3

    def channels(self, x: int) -> int:
        """See `Layers`."""
        return x

    def units(self, x: int, name: str, kernel: Any, bias: Any) -> int:
        """See `Layers`; its numbers are fixed."""
        return x

    def convolution(
        self, x: int, name: str, channels: int, kernel: int = 1, stride: int = 1, act: bool = True
    ) -> int:
        """See `Layers`."""
        return self._normalized(name, (kernel, kernel, x, channels), channels)

    def depthwise(self, x: int, name: str, kernel: int, stride: int) -> int:
        """See `Layers`."""
        self.depthwise_layers.add(f"{name}_conv")
        return self._normalized(name, (kernel, kernel, x, 1), x)

    def add(self, x: int, y: int, name: str, act: bool = False) -> int:
        """See `Layers`."""
        return x

    def max_pool(self, x: int, name: str) -> int:
        """See `Layers`."""
        return x

    def features(self, x: int) -> int:
        """See `Layers`."""
        return x

    def classes(self, x: int, count: int) -> int:
        """See `Layers`."""
        self.shapes["classes"] = ((x, count), (count,))
        return count

    def _normalized(self, name: str, kernel: tuple[int, ...], channels: int) -> int:
        self.shapes[f"{name}_conv"] = (kernel, *[(channels,)] * self._bias)
        self.shapes[f"{name}_norm"] = ((channels,),) * 4
        return channels
