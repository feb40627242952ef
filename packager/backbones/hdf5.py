"""Keras models in HDF5 (`.h5`): the file's content, and layers as Keras 2 described them.

Keras 2 wrote settings that Keras 3 doesn't know, mostly with the value that changes nothing, such
as the `groups: 1` of a DepthwiseConv2D in every file of Teachable Machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager.errors import WeightsError
from packager.record import parse_json

# Settings without effect, by layer; with any other value the file is refused as Keras does it.
_WITHOUT_EFFECT: dict[str, dict[str, Any]] = {
    "DepthwiseConv2D": {"groups": 1},
    "DepthwiseConv1D": {"groups": 1},
    "SeparableConv2D": {"groups": 1},
    "SeparableConv1D": {"groups": 1},
    "Conv2DTranspose": {"groups": 1},
    "BatchNormalization": {"renorm": False, "virtual_batch_size": None, "adjustment": None},
}
_FIX = 'Give the model as a .keras file: model.save("backbone.keras").'


@dataclass(frozen=True)
class KerasFile:
    """A model in HDF5; `keras` is the version that wrote it, empty where the file doesn't say."""

    keras: str


def read_hdf5(path: Path) -> KerasFile:
    """Looks into the file; no layer is made.

    Raises:
        WeightsError: it isn't an HDF5 file, or contains weights without a model, or a lambda.
    """
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(path, "r") as file:
            config = _text(file.attrs.get("model_config"))
            version = _text(file.attrs.get("keras_version"))
            names = set(file) | set(file.attrs)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, MemoryError) as error:
        raise WeightsError(
            f"this is not a readable HDF5 file ({_words(error)})",
            where=path,
            fix="It may be damaged or cut short: copy it again.",
        ) from error
    if not config:
        what = "it contains no Keras model"
        if names & {"layer_names", "layers", "_layer_checkpoint_dependencies", "model_weights"}:
            what = "it contains only a model's weights, not its layers"
        raise WeightsError(
            what,
            where=path,
            fix="Load the weights where the model is built, and save all of it: "
            'model.save("backbone.keras").',
        )
    try:
        layers = list(_layers(parse_json(config)))
    except (ValueError, RecursionError) as error:
        what = f"the description of its layers is damaged ({str(error)[:200]})"
        raise WeightsError(what, where=path, fix=_FIX) from None
    if "Lambda" in layers:
        raise WeightsError(
            "it contains a lambda layer, which is code, and no code of a file is run",
            where=path,
            fix="Register such a model in Python (packager.specs.register), or give it as a "
            "SavedModel: model.export(folder).",
        )
    return KerasFile(version)


def older_layers() -> dict[str, Any]:
    """Keras 3's layers by name, made also from what Keras 2 wrote: for `custom_objects`."""
    import keras

    return {
        name: _older(getattr(keras.layers, name), inert)
        for name, inert in _WITHOUT_EFFECT.items()
        if hasattr(keras.layers, name)
    }


def saved_anew(path: Path, *, without_top: bool = False) -> str:
    """The command that converts a Keras 2 file to a SavedModel, with or without its last layer."""
    model = f"k.models.load_model({path.name!r}, compile=False)"
    if without_top:
        model = f"k.Sequential({model}.layers[:-1])"
    return (
        "Save it again with Keras 2, and give the folder that this creates: "
        f'pip install tf-keras && python -c "import tf_keras as k; {model}'
        f'.export({path.stem + "_saved"!r})".'
        + (
            " (If it isn't a Sequential: k.Model(m.input, m.layers[-2].output).)"
            if without_top
            else ""
        )
    )


def _older(layer: Any, inert: dict[str, Any]) -> Any:
    class Older(layer):  # type: ignore[misc]
        @classmethod
        def from_config(cls, config: dict[str, Any], *_: Any, **__: Any) -> Any:
            kept = {
                key: value
                for key, value in config.items()
                if key not in inert or value != inert[key]
            }
            return layer.from_config(kept)

    Older.__name__ = layer.__name__
    return Older


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _layers(config: Any) -> Iterator[str]:
    """The class of each layer, also of those in models inside."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config["class_name"]
        for inner in config.values():
            yield from _layers(inner)
    elif isinstance(config, list):
        for inner in config:
            yield from _layers(inner)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
