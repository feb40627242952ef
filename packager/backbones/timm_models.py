"""Models of timm, converted by litert-torch: `--spec timm:NAME`.

Name, input and weights are timm's (https://huggingface.co/docs/timm), also of models on the Hugging
Face Hub (`timm:hf_hub:USER/NAME`). PyTorch runs in a separate process, which ends after the
conversion (https://github.com/google-ai-edge/litert-torch).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from packager.backbones.input_units import unit_change
from packager.errors import DownloadError, ModelFileError, SettingsError, WeightsError
from packager.extras import require_extra
from packager.isolation import run_isolated
from packager.specs import ModelSpec

if TYPE_CHECKING:
    from packager.backbones.state_dict import Array

PREFIX = "timm:"
_LARGEST_ERROR = 1e-3  # of the largest feature


class _Input(NamedTuple):
    """What timm's configuration says of a model.

    Attributes:
        size: side of the square image, pixels; mean, std: of pixels of 0..1, red, green, blue.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def units(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of pixels of 0..255."""
        return tuple(255 * each for each in self.mean), tuple(255 * each for each in self.std)


def is_timm(name: str) -> bool:
    """Whether a spec's name is one of timm's models."""
    return name.startswith(PREFIX)


@functools.cache
def timm_spec(name: str) -> ModelSpec:
    """The spec of "timm:NAME", from timm's configuration of that model.

    Raises:
        SettingsError: timm or litert-torch isn't installed, timm has no such model, or it doesn't
            take a square RGB image.
    """
    require_extra("timm", f"--spec {name}")
    model = name.removeprefix(PREFIX)
    takes: _Input = run_isolated(_configured_input, model, where=name)
    return ModelSpec(
        name=re.sub(r"[^A-Za-z0-9._-]+", "_", name),
        title=model,
        architecture="timm",
        width=1.0,
        depth=1.0,
        input_size=takes.size,
        feature_size=0,
        mean=127.5,
        std=127.5,
        imagenet_top1=None,
        citation=f"timm, {model}",
        timm=model,
    )


def timm_weights(spec: ModelSpec) -> Path:
    """The file of the pretrained weights, downloaded into the Hugging Face Hub's own cache.

    Raises:
        WeightsError: timm publishes none for this model.
        DownloadError: they can't be downloaded.
    """
    return run_isolated(_downloaded, spec.timm, where=spec.name)


def timm_backbone(spec: ModelSpec, weights: Path | None, *, seed: int = 0) -> bytes:
    """A float .tflite: image [1, size, size, 3], (pixel - 127.5) / 127.5, to features [1, n].

    Args:
        weights: a state dict; None for random numbers, which `seed` determines.

    Raises:
        WeightsError: the state dict is of another model; the message names the first tensor that is
            missing, unexpected or of another shape.
        ModelFileError: litert-torch can't convert it, the message names the operator; or what it
            makes gives other features than PyTorch.
    """
    return run_isolated(_converted, spec, weights, seed, where=spec.name)


# --- in the other process


def _configured_input(model: str) -> _Input:
    import timm

    try:
        config = timm.data.resolve_model_data_config(timm.create_model(model, num_classes=0))
    except (RuntimeError, ValueError, LookupError, OSError) as error:
        alike = timm.list_models(f"*{model.partition('.')[0][:12]}*")[:6]
        raise SettingsError(
            f"timm {timm.__version__} can't build it ({_words(error)})",
            where=f"--spec {PREFIX}{model}",
            fix=f"Names like it: {', '.join(alike)}." if alike else "See timm.list_models().",
        ) from error
    channels, height, width = config["input_size"]
    if channels != 3 or height != width:
        raise SettingsError(
            f"it takes {channels} channels of {height} x {width} pixels",
            where=f"--spec {PREFIX}{model}",
            fix="Use a model that takes a square RGB image.",
        )
    return _Input(height, tuple(config["mean"]), tuple(config["std"]))


def _downloaded(model: str) -> Path:
    import timm
    from huggingface_hub import hf_hub_download

    own = "Give a state dict with --weights FILE, or use --weights none."
    config = timm.create_model(model, num_classes=0).pretrained_cfg
    repository, address = config.get("hf_hub_id"), config.get("url")
    if not repository and not address:
        raise WeightsError("timm publishes no weights of it", where=model, fix=own)
    try:
        if repository:
            file = config.get("hf_hub_filename") or "model.safetensors"
            return Path(hf_hub_download(repository, file))
        from timm.models._hub import download_cached_file

        return Path(download_cached_file(address))
    except (OSError, ValueError, RuntimeError) as error:
        raise DownloadError(
            f"could not download the weights of {model} ({_words(error)})",
            fix=f"Check the network connection. {own}",
        ) from error


def _converted(spec: ModelSpec, weights: Path | None, seed: int) -> bytes:
    import litert_torch
    import numpy as np
    import timm
    import torch

    torch.manual_seed(seed)
    model = timm.create_model(spec.timm, num_classes=0, exportable=True)
    if weights is not None:
        from packager.backbones.state_dict import read_state_dict

        _fill(model, read_state_dict(weights), weights, spec)
    takes = _Input(spec.input_size, *(tuple(model.pretrained_cfg[k]) for k in ("mean", "std")))
    kernel, bias = unit_change(spec, *takes.units)
    units = torch.nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        units.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))))
        units.bias.copy_(torch.from_numpy(bias))

    class Backbone(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.units, self.model = units, model

        def forward(self, image: Any) -> Any:
            return self.model(self.units(image.permute(0, 3, 1, 2)))

    backbone = Backbone().eval()
    size = spec.input_size
    image = np.random.default_rng(0).uniform(-1, 1, (1, size, size, 3)).astype(np.float32)
    with torch.no_grad():
        wanted = backbone(torch.from_numpy(image)).numpy()
    if wanted.ndim != 2:
        raise ModelFileError(
            f"it gives {list(wanted.shape)}, not a feature vector [1, n]",
            where=spec.name,
            fix="Use an image classifier.",
        )
    try:
        from packager.files import temporary_folder

        with temporary_folder() as folder:
            litert_torch.convert(backbone, (torch.from_numpy(image),)).export(
                str(folder / "backbone.tflite")
            )
            converted = (folder / "backbone.tflite").read_bytes()
    except Exception as error:  # of several compilers, each with its own kinds
        raise ModelFileError(
            f"litert-torch {litert_torch.__version__} can't convert it: {_operators(error)}",
            where=spec.name,
            fix="Use another model: timm's MobileNets, EfficientNets and ResNets can be converted.",
        ) from error
    _compare(converted, image, wanted, spec)
    return converted


def _fill(model: Any, tensors: Mapping[str, Array], path: Path, spec: ModelSpec) -> None:
    """The tensors into the model, but for those of its classifier."""
    import numpy as np
    import torch

    def refuse(what: str) -> WeightsError:
        fix = f"It belongs to another model, or is damaged: give a state dict of {spec.title}."
        return WeightsError(what, where=path, fix=fix)

    heads = model.pretrained_cfg.get("classifier") or ()
    heads = (heads,) if isinstance(heads, str) else tuple(heads)
    wanted = model.state_dict()
    for name, tensor in wanted.items():
        found, shape = tensors.get(name), tuple(tensor.shape)
        if found is None and not name.endswith("num_batches_tracked"):
            raise refuse(f"the file has no tensor {name!r} of shape {shape}")
        if found is not None and found.shape != shape:
            raise refuse(f"tensor {name!r} has the shape {found.shape}, not {shape}")
        if found is not None and not np.isfinite(found).all():
            raise refuse(f"tensor {name!r} holds values that are not finite numbers")
    for name in tensors:
        if name not in wanted and not name.startswith(tuple(f"{head}." for head in heads)):
            raise refuse(f"the file has a tensor {name!r} that this model doesn't have")
    kept = {name: torch.from_numpy(np.array(tensors[name])) for name in wanted if name in tensors}
    model.load_state_dict(kept, strict=False)


def _compare(converted: bytes, image: Array, wanted: Array, spec: ModelSpec) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=converted)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    error, largest = float(abs(found - wanted).max()), float(abs(wanted).max())
    if not error <= _LARGEST_ERROR * largest:
        raise ModelFileError(
            f"its .tflite gives other features than PyTorch (by {error:.2g} of {largest:.2g})",
            where=spec.name,
            fix="Use another model.",
        )


def _operators(error: Exception) -> str:
    """The names of PyTorch's operators in an error, or its first words."""
    found = re.findall(r"\b(?:torch\.ops\.)?(aten[.:]+\w+)", str(error))
    if not found:
        return f"{type(error).__name__}, {_words(error)}"
    return f"no counterpart of {', '.join(sorted({*found}))}"


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
