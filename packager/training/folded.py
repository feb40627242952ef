"""A Keras network that computes BatchNorm within the convolution before it.

With stored means and variances, BatchNorm is a factor and an offset for each channel. Multiplied
into the kernel, it costs next to nothing. As an operator of its own it costs a third of a training
step, since it reads and writes the whole map, forward and backward.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

_FAST_WIDTH = 3  # columns of a depthwise kernel whose gradient oneDNN computes fast


def folded(network: Any) -> Callable[[Any], Any]:
    """`network` as it computes in inference: from inputs [N, ...] to its output.

    It reads the variables of `network`, so gradients of what it computes train `network`; they are
    the same but for rounding. A BatchNorm is folded where nothing else reads the convolution.

    Args:
        network: a functional or sequential `keras.Model`, of one input and one output.
    """
    import keras

    if isinstance(network, keras.Sequential):
        network = network._functional
    norms = _norms_of_convolutions(network)
    within = {id(norm) for norm in norms.values()}

    def operation(layer: Any) -> Callable[..., Any]:
        if id(layer) in norms:
            return functools.partial(_convolved, layer, norms[id(layer)])
        if id(layer) in within:
            return lambda x, **_: x
        if isinstance(layer, keras.Model) and hasattr(layer, "operations"):
            inner = folded(layer)
            return lambda x, **_: inner(x)
        if getattr(layer, "_call_has_training_arg", False):
            return lambda *inputs, **more: layer(*inputs, **{**more, "training": False})
        return layer  # type: ignore[no-any-return]

    operations = {id(layer): operation(layer) for layer in network.operations}

    def run(inputs: Any) -> Any:
        output = network._run_through_graph([inputs], lambda layer: operations[id(layer)])
        return output[0] if isinstance(output, (list, tuple)) else output

    return run


def _norms_of_convolutions(network: Any) -> dict[int, Any]:
    """Of each convolution that takes in a BatchNorm, by the convolution's id, that BatchNorm."""
    from keras import layers

    nodes = [node for depth in network._nodes_by_depth.values() for node in depth]
    calls = Counter(id(node.operation) for node in nodes)
    reads = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    reads.update(id(tensor) for tensor in network.outputs)
    made_by = {id(node.output_tensors[0]): node.operation for node in nodes}
    found = {}
    for node in nodes:
        norm = node.operation
        if type(norm) is not layers.BatchNormalization or norm.axis not in (-1, 3):
            continue
        (read,) = node.input_tensors
        layer = made_by[id(read)]
        if (
            type(layer) in (layers.Conv2D, layers.DepthwiseConv2D)
            and layer.activation.__name__ == "linear"
            and layer.data_format == "channels_last"
            and reads[id(read)] == calls[id(layer)] == calls[id(norm)] == 1
        ):
            found[id(layer)] = norm
    return found


def _convolved(layer: Any, norm: Any, x: Any, **_: Any) -> Any:
    """What the convolution `layer` and then `norm` make of x."""
    from keras import layers, ops

    factor = ops.rsqrt(norm.moving_variance + norm.epsilon)
    if norm.gamma is not None:
        factor = factor * norm.gamma
    offset = -norm.moving_mean * factor
    if layer.bias is not None:
        offset = offset + layer.bias * factor
    if norm.beta is not None:
        offset = offset + norm.beta
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    scales = ops.reshape(factor, (-1, layer.depth_multiplier)) if depthwise else factor
    kernel = layer.kernel * scales
    if depthwise and _is_wide(layer, x):
        return _plus(_wide_depthwise(x, kernel), offset)
    y = (ops.depthwise_conv if depthwise else ops.conv)(
        x, kernel, layer.strides, layer.padding,
        data_format=layer.data_format, dilation_rate=layer.dilation_rate,
    )  # fmt: skip
    return _plus(y, offset)


def _is_wide(layer: Any, x: Any) -> bool:
    """Whether `_wide_depthwise` can compute that depthwise convolution, and is faster.

    On GPUs TensorFlow has no reproducible gradient of a kernel that isn't square.
    """
    import tensorflow as tf

    width, once = layer.kernel.shape[1], (1, 1)
    return (
        _FAST_WIDTH < width < 2 * (x.shape[2] or 0)  # TensorFlow's gradient of no column is no 0
        and width % 2 == 1
        and layer.padding == "same"
        and tuple(layer.strides) == tuple(layer.dilation_rate) == once
        and not tf.config.list_logical_devices("GPU")
    )


def _wide_depthwise(x: Any, kernel: Any) -> Any:
    """A depthwise convolution, stride 1, padding "same"; the kernel's gradient column by column.

    The gradient of a kernel of up to three columns takes a tenth of the time of a wider one's. The
    middle three columns need no other input; each outer one needs maps moved sideways.
    """
    import tensorflow as tf

    def conv(x: Any, kernel: Any) -> Any:
        return tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "SAME")

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def wide(x: Any, kernel: Any) -> Any:
        rows, width, *channels = kernel.shape

        def columns(count: int, x: Any, above: Any) -> Any:
            shape = (rows, count, *channels)
            return tf.nn.depthwise_conv2d_backprop_filter(x, shape, above, (1, 1, 1, 1), "SAME")

        def gradient(above: Any) -> tuple[Any, Any]:
            outer = range(_FAST_WIDTH // 2 + 1, width // 2 + 1)
            left = [columns(1, x[:, :, :-far], above[:, :, far:]) for far in reversed(outer)]
            right = [columns(1, x[:, :, far:], above[:, :, :-far]) for far in outer]
            middle = columns(_FAST_WIDTH, x, above)
            back = tf.nn.depthwise_conv2d_backprop_input(
                tf.shape(x), kernel, above, (1, 1, 1, 1), "SAME"
            )
            return back, tf.concat([*left, middle, *right], 1)

        return conv(x, kernel), gradient

    return wide(x, kernel)


def _plus(maps: Any, offset: Any) -> Any:
    """`maps` + `offset` of each channel; its gradient a product with ones.

    TensorFlow's own gradient is merged into the kernel's, which takes twice as long for it.
    """
    import tensorflow as tf

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def plus(maps: Any, offset: Any) -> Any:
        def gradient(above: Any) -> tuple[Any, Any]:
            flat = tf.reshape(above, (-1, above.shape[-1]))
            return above, tf.matmul(tf.ones_like(flat[:, :1]), flat, transpose_a=True)[0]

        return tf.nn.bias_add(maps, offset), gradient

    return plus(maps, offset)
