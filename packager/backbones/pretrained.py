"""Puts published numbers, or seeded random ones, into an architecture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.backbones import efficientnet_lite, mobilenet_v2, resnet50
from packager.backbones.convolutions import keep_border_zero
from packager.backbones.custom import as_backbone, keras_backbone
from packager.backbones.weights import Weights
from packager.errors import WeightsError
from packager.specs import ModelSpec, registered_build

if TYPE_CHECKING:
    from packager.backbones.state_dict import Array

_MODELS = {
    "efficientnet_lite": (efficientnet_lite.efficientnet_lite, efficientnet_lite.published_names),
    "mobilenet_v2": (mobilenet_v2.mobilenet_v2, mobilenet_v2.published_names),
}


def build_backbone(spec: ModelSpec, weights: Weights, *, top: bool = False, seed: int = 0) -> Any:
    """The model of `spec` with its weights, as a `keras.Model`; also of a file or a function.

    Input: float32 [N, size, size, 3], RGB, (pixel - spec.mean) / spec.std for pixels of 0..255.
    Output: float32 feature vectors [N, spec.feature_size], the global average pool; with `top`
    the probabilities [N, 1000] of ImageNet's classes, 0..1.

    The layers `torch_input` of MobileNetV2 and `caffe_input` of ResNet50 are fixed, and
    MobileNetV2's kernels of stride 2 keep a row and a column of zeros by a Keras constraint, which
    every optimizer of Keras honours. Without `weights.path` all kernels are drawn anew from `seed`,
    the same ones each time. A backbone of the user's own has no `top`, and its weights inside.

    Raises:
        SettingsError: `spec` is a SavedModel, which holds no Keras model.
        WeightsError: the file can't be read, or is for another model; the message names the first
            tensor that is missing, unexpected or of another shape.
    """
    build = registered_build(spec)
    if build is not None:
        return as_backbone(build(spec), spec)
    if spec.source is not None:
        return keras_backbone(spec)
    if spec.architecture == "resnet50":
        model = resnet50.resnet50(spec, top)
        if weights.path is None:
            _draw(model, seed)
        else:
            resnet50.load_published(model, weights.path, spec)
        return model
    architecture, published_names = _MODELS[spec.architecture]
    if weights.path is None:
        model = architecture(spec, top)
        _draw(model, seed)
        return model
    from packager.backbones.state_dict import read_state_dict

    tensors = read_state_dict(weights.path)
    model = architecture(spec, top)
    names = max(
        published_names(spec),
        key=lambda names: sum(f"{n}.weight" in tensors for n in names.values()),
    )
    _load(model, tensors, names, spec, weights.path)
    return model


@dataclass(frozen=True)
class _Place:
    """Where a published tensor goes."""

    name: str  # the tensor's, in the state dict
    variable: Any
    axes: tuple[int, ...]  # PyTorch's order of the variable's axes

    @property
    def border(self) -> int:
        """Rows and columns of zeros that our kernel has and the published one doesn't."""
        return int(getattr(self.variable, "constraint", None) is keep_border_zero)

    @property
    def shape(self) -> tuple[int, ...]:
        """The published tensor's."""
        # Height and width are the first two axes of a kernel's four.
        spatial = len(self.axes) == 4
        sizes = self.variable.shape
        return tuple(sizes[a] - (self.border if spatial and a < 2 else 0) for a in self.axes)

    def put(self, tensor: Array) -> None:
        import numpy as np

        ours = np.transpose(tensor, np.argsort(self.axes)).astype(np.float32)
        if self.border:
            ours = np.pad(ours, [(0, 1), (0, 1), (0, 0), (0, 0)])
        self.variable.assign(ours)


def _places(model: Any, names: Mapping[str, str]) -> Iterator[_Place]:
    for layer in model.layers:
        if layer.name not in names:
            continue
        name = names[layer.name]
        if layer.name.endswith("_norm"):
            yield _Place(f"{name}.weight", layer.gamma, (0,))
            yield _Place(f"{name}.bias", layer.beta, (0,))
            yield _Place(f"{name}.running_mean", layer.moving_mean, (0,))
            yield _Place(f"{name}.running_var", layer.moving_variance, (0,))
        elif layer.name.endswith("_conv"):
            depthwise = layer.name.endswith("_depthwise_conv")
            yield _Place(
                f"{name}.weight", layer.kernel, (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
            )
        else:
            yield _Place(f"{name}.weight", layer.kernel, (1, 0))
            yield _Place(f"{name}.bias", layer.bias, (0,))


def _load(
    model: Any, tensors: Mapping[str, Array], names: Mapping[str, str], spec: ModelSpec, path: Path
) -> None:
    import numpy as np

    def refuse(what: str) -> WeightsError:
        fix = f"It is for another model, or damaged: give a state dict of {spec.title}."
        return WeightsError(what, where=path, fix=fix)

    places = list(_places(model, names))
    for place in places:
        tensor = tensors.get(place.name)
        if tensor is None:
            raise refuse(f"the file has no tensor {place.name!r} of shape {place.shape}")
        if tensor.shape != place.shape or tensor.dtype.kind != "f":
            is_now = f"{tensor.dtype} of shape {tensor.shape}"
            raise refuse(f"tensor {place.name!r} is {is_now}, not floats of shape {place.shape}")
        if not np.isfinite(tensor).all():
            raise refuse(f"tensor {place.name!r} holds values that are not finite numbers")
    known = {place.name for place in places}
    ignored = (f"{names['classes']}.weight", f"{names['classes']}.bias")  # without `top`
    for name in tensors:
        if name not in known and name not in ignored and not name.endswith("num_batches_tracked"):
            raise refuse(f"the file has a tensor {name!r} that {spec.title} has no place for")
    for place in places:
        place.put(tensors[place.name])


def _draw(model: Any, seed: int) -> None:
    """He et al. 2015 (https://arxiv.org/abs/1502.01852): normal, by the fan out."""
    import numpy as np

    generator = np.random.default_rng(seed)
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None or not layer.trainable:
            continue
        *window, _, channels = kernel.shape
        deviation = math.sqrt(2 / (math.prod(window) * channels))
        values = generator.normal(0, deviation, kernel.shape).astype(np.float32)
        kernel.assign(keep_border_zero(values) if kernel.constraint is keep_border_zero else values)
