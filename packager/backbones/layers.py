"""The interface in which an architecture is described once, for several builders.

`keras_layers.KerasLayers` makes a model that can be trained, `export.operators.Operators` a
.tflite, and `ParameterShapes` tells which numbers they need. Every convolution is followed by
BatchNorm and by the family's activation, unless it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

# "relu6", "relu", "hard_swish", "silu", "sigmoid" or "hard_sigmoid"; True is the family's own and
# False is none.
Activation = bool | str


@dataclass(frozen=True)
class Convention:
    """How one family of models computes.

    Attributes:
        epsilon: of every BatchNorm.
        symmetric: pad both sides alike at stride 2, as PyTorch does; otherwise TensorFlow's SAME,
            which pads an even image at the bottom and the right only.
        bias: whether convolutions have one beside BatchNorm's.
        activation: see `Activation`.
    """

    epsilon: float
    symmetric: bool = False
    bias: bool = False
    activation: str = "relu6"

    def kind(self, act: Activation) -> str:
        """The name of an activation; empty for none."""
        if isinstance(act, str):
            return act
        return self.activation if act else ""

    def padding(self, kernel: int, stride: int) -> int:
        """Rows and columns of zeros that an operator of its own puts on each side."""
        return (kernel - 1) // 2 if self.symmetric and stride == 2 else 0


class Layers(Protocol):
    """The methods of a builder; a value `x` is of the builder's own type."""

    def image(self, size: int) -> Any:
        """The input: float32 [1, size, size, 3]."""

    def channels(self, x: Any) -> int:
        """The last axis of `x`."""

    def units(self, x: Any, name: str, kernel: Any, bias: Any) -> Any:
        """A fixed convolution: kernel [1, 1, 3, 3] (in, out) and bias [3]."""

    def convolution(
        self, x: Any, name: str, channels: int, kernel: int = 1, stride: int = 1,
        act: Activation = True, norm: bool = True,
    ) -> Any:  # fmt: skip
        """`channels` filters over all the channels of x; a bias in place of BatchNorm, if asked."""

    def depthwise(self, x: Any, name: str, kernel: int, stride: int, act: Activation = True) -> Any:
        """One filter for each channel of x."""

    def add(self, x: Any, y: Any, name: str, act: bool = False) -> Any:
        """The sum of two values of one shape; with `act` the activation after it."""

    def multiply(self, x: Any, y: Any, name: str) -> Any:
        """x [1, height, width, channels] times y [1, 1, 1, channels]."""

    def average(self, x: Any, name: str) -> Any:
        """Global average pooling that stays a map: [1, 1, 1, channels]."""

    def max_pool(self, x: Any, name: str) -> Any:
        """The largest of 3 by 3 at stride 2, with zeros around."""

    def features(self, x: Any) -> Any:
        """Global average pooling: [1, channels]."""

    def flat(self, x: Any) -> Any:
        """A map of one place, [1, 1, 1, channels], as the feature vector [1, channels]."""

    def classes(self, x: Any, count: int) -> Any:
        """The softmax over `count` classes of a feature vector."""


@dataclass(frozen=True)
class SqueezeExcite:
    """Hu et al. 2017 (https://arxiv.org/abs/1709.01507), as the EfficientNets have it.

    Attributes:
        channels: of the hidden layer; act: its activation; gate: what makes factors of 0..1.
    """

    channels: int
    act: Activation
    gate: str

    def apply(self, net: Layers, x: Any, name: str) -> Any:
        """x with each channel multiplied by a factor that depends on all channels' means."""
        y = net.average(x, f"{name}_mean")
        y = net.convolution(y, f"{name}_reduce", self.channels, act=self.act, norm=False)
        y = net.convolution(y, f"{name}_expand", net.channels(x), act=self.gate, norm=False)
        return net.multiply(x, y, f"{name}_scale")


def inverted_residual(
    net: Layers, x: Any, name: str, channels: int, kernel: int, stride: int, expand: float,
    act: Activation = True, excite: SqueezeExcite | None = None,
) -> Any:  # fmt: skip
    """Expand, filter, project; added to x where the shapes allow.

    Sandler et al. 2018 (https://arxiv.org/abs/1801.04381), section 3.3; with squeeze-and-excitation
    it is MobileNetV3's and EfficientNet's.
    """
    entry, width = x, net.channels(x)
    if expand > 1:
        x = net.convolution(x, f"{name}_expand", scale_channels(width, expand), act=act)
    x = net.depthwise(x, f"{name}_depthwise", kernel, stride, act)
    if excite is not None:
        x = excite.apply(net, x, f"{name}_excite")
    x = net.convolution(x, f"{name}_project", channels, act=False)
    return net.add(entry, x, f"{name}_add") if stride == 1 and width == channels else x


def fused_residual(
    net: Layers, x: Any, name: str, channels: int, kernel: int, stride: int, expand: int
) -> Any:
    """Expand and filter at once, project; added to x where the shapes allow.

    Tan & Le 2021 (https://arxiv.org/abs/2104.00298), section 3.2: Fused-MBConv.
    """
    entry, width = x, net.channels(x)
    x = net.convolution(x, f"{name}_expand", width * expand, kernel, stride)
    x = net.convolution(x, f"{name}_project", channels, act=False)
    return net.add(entry, x, f"{name}_add") if stride == 1 and width == channels else x


def scale_channels(channels: int, width: float, divisor: int = 8) -> int:
    """`channels` times `width` to the nearest multiple of `divisor`, never below 90 %."""
    wanted = channels * width
    rounded = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * wanted else rounded + divisor


class ParameterShapes:
    """Collects the shapes of all parameters; a value is its number of channels.

    Attributes:
        shapes: layer -> shapes of its parameters, in the order of the network.
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
        self, x: int, name: str, channels: int, kernel: int = 1, stride: int = 1,
        act: Activation = True, norm: bool = True,
    ) -> int:  # fmt: skip
        """See `Layers`."""
        shape = (kernel, kernel, x, channels)
        if norm:
            return self._normalized(name, shape, channels)
        self.shapes[f"{name}_conv"] = (shape, (channels,))
        return channels

    def depthwise(self, x: int, name: str, kernel: int, stride: int, act: Activation = True) -> int:
        """See `Layers`."""
        self.depthwise_layers.add(f"{name}_conv")
        return self._normalized(name, (kernel, kernel, x, 1), x)

    def add(self, x: int, y: int, name: str, act: bool = False) -> int:
        """See `Layers`."""
        return x

    def multiply(self, x: int, y: int, name: str) -> int:
        """See `Layers`."""
        return x

    def average(self, x: int, name: str) -> int:
        """See `Layers`."""
        return x

    def max_pool(self, x: int, name: str) -> int:
        """See `Layers`."""
        return x

    def features(self, x: int) -> int:
        """See `Layers`."""
        return x

    def flat(self, x: int) -> int:
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
