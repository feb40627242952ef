"""The convolutions that both architectures are made of, each with its BatchNorm and ReLU6.

The inverted residual is that of Sandler et al. 2018 (https://arxiv.org/abs/1801.04381),
section 3.3; EfficientNet-Lite has it without squeeze-and-excitation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Convolutions:
    """How one family of models convolves.

    Attributes:
        epsilon: of every BatchNorm.
        symmetric: pad both sides alike at stride 2, as PyTorch does; otherwise TensorFlow's SAME,
            which pads an even image at the bottom and the right only.
    """

    epsilon: float
    symmetric: bool = False

    def dense(
        self, x: Any, name: str, channels: int, kernel: int = 1, stride: int = 1, act: bool = True
    ) -> Any:
        """`channels` filters over all the channels of x."""
        from keras import layers

        size, constraint = self._kernel(kernel, stride)
        x = layers.Conv2D(
            channels, size, stride, "same", use_bias=False, name=f"{name}_conv",
            kernel_initializer="zeros", kernel_constraint=constraint,
        )(x)  # fmt: skip
        return self._normalize(x, name, act)

    def depthwise(self, x: Any, name: str, kernel: int, stride: int) -> Any:
        """One filter for each channel of x."""
        from keras import layers

        size, constraint = self._kernel(kernel, stride)
        x = layers.DepthwiseConv2D(
            size, stride, "same", use_bias=False, name=f"{name}_conv",
            depthwise_initializer="zeros", depthwise_constraint=constraint,
        )(x)  # fmt: skip
        return self._normalize(x, name, act=True)

    def inverted_residual(
        self, x: Any, name: str, channels: int, kernel: int, stride: int, expand: int
    ) -> Any:
        """Expand, filter, project; added to x where the shapes allow."""
        from keras import layers

        entry, width = x, x.shape[-1]
        if expand > 1:
            x = self.dense(x, f"{name}_expand", width * expand)
        x = self.depthwise(x, f"{name}_depthwise", kernel, stride)
        x = self.dense(x, f"{name}_project", channels, act=False)
        if stride == 1 and width == channels:
            x = layers.Add(name=f"{name}_add")([entry, x])
        return x

    def _normalize(self, x: Any, name: str, act: bool) -> Any:
        from keras import layers

        x = layers.BatchNormalization(epsilon=self.epsilon, name=f"{name}_norm")(x)
        return layers.ReLU(6.0, name=f"{name}_relu6")(x) if act else x

    def _kernel(self, kernel: int, stride: int) -> tuple[int, Any]:
        """The side of the kernel that is built, and what training must keep true of it.

        An even kernel makes SAME pad an even image alike on both sides. So a symmetric kernel
        of stride 2 gets one row and one column of zeros more, at the bottom and the right: the
        same numbers come out, and no PAD is needed in the graph.
        """
        if self.symmetric and stride == 2:
            return kernel + 1, keep_border_zero
        return kernel, None


def keep_border_zero(kernel: Any) -> Any:
    """A Keras constraint: zeros in the last row and column of a kernel [height, width, ...]."""
    import numpy as np

    height, width, *_ = kernel.shape
    mask = np.ones((height, width, 1, 1), np.float32)
    mask[-1] = mask[:, -1] = 0
    return kernel * mask


def classify(x: Any, top: bool, classes: int = 1000) -> Any:
    """Global average pooling, and with `top` the softmax over ImageNet's classes."""
    from keras import layers

    x = layers.GlobalAveragePooling2D(name="features")(x)
    return layers.Dense(classes, "softmax", name="classes")(x) if top else x
