"""Custom backbones: a Keras file, a SavedModel or a TF Hub module.

Image in, features out: one input [N, size, size, 3] and one output, [N, features] or a map
[N, height, width, features], which is averaged. Keras files (`.keras`, `.h5`) are opened in Keras's
safe mode: no code of theirs runs.

Formats: https://keras.io/api/models/model_saving_apis and
https://www.tensorflow.org/guide/saved_model; the signatures of TF Hub's modules:
https://www.tensorflow.org/hub/common_signatures/images.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from packager import files
from packager.backbones.hdf5 import older_layers, read_hdf5, saved_anew
from packager.backbones.input_units import change_units, unit_change
from packager.errors import SettingsError, WeightsError
from packager.specs import BackboneFile, ModelSpec

_KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
_SIGNATURES = ("serving_default", "image_feature_vector", "default")
_OUTPUTS = ("default", "feature_vector")  # where a signature gives more than one
_CUT = (
    "Save it without its top: keras.Model(model.inputs, model.layers[-2].output)"
    '.save("backbone.keras").'
)


def custom_spec(path: Path, input_size: int | None, mean: str, std: str) -> ModelSpec:
    """The spec of the backbone at `path`; the file is not opened yet.

    Args:
        path: a Keras file, or the folder of a SavedModel or TF Hub module.
        input_size: side of the square image, pixels.
        mean, std: "127.5", or "123.7,116.3,103.5" for red, green and blue; a pixel value x of
            0..255 enters the backbone as (x - mean) / std.

    Raises:
        SettingsError: one of the three is missing or out of range.
        WeightsError: there is no such file, or it has another format.
    """
    path = files.expanded(path, "--backbone")
    folder = (path / "saved_model.pb").is_file()
    if not folder and not (path.is_file() and path.suffix.lower() in _KERAS_SUFFIXES):
        what = "this is not a backbone" if path.exists() else "there is no such backbone"
        fix = "Give a Keras file (.keras, .h5) or the folder of a SavedModel (saved_model.pb)."
        raise WeightsError(what, where=path, fix=fix)
    if input_size is None or not 1 <= input_size <= 4096:
        raise SettingsError(
            "a custom backbone needs the side of its square input image"
            if input_size is None
            else f"{input_size} pixels is out of range",
            where="--input-size",
            fix="Give it in pixels, 1 to 4096, such as 224.",
        )
    means, stds = _channels("--mean", mean), _channels("--std", std)
    if not all(0 <= value <= 255 for value in means):
        raise SettingsError(f"{mean} is out of range", where="--mean", fix="Use 0 to 255.")
    if not all(1 <= value <= 65535 for value in stds):
        fix = "It divides pixels of 0..255: use 1 to 65535 (times 255, if yours is for 0..1)."
        raise SettingsError(f"{std} is out of range", where="--std", fix=fix)
    alike = len({*means}) == len({*stds}) == 1
    return ModelSpec(
        name=re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem).lstrip("._-") or "backbone",
        title=path.stem,
        architecture="file",
        width=1.0,
        depth=1.0,
        input_size=input_size,
        feature_size=0,
        mean=means[0] if alike else 127.5,
        std=stds[0] if alike else 127.5,
        imagenet_top1=None,
        citation=path.name,
        source=BackboneFile(path, means, stds),
    )


def _channels(flag: str, text: str) -> tuple[float, float, float]:
    try:
        values = [float(part) for part in text.split(",")]
        red, green, blue = values * 3 if len(values) == 1 else values
    except ValueError:
        raise SettingsError(
            f"{text!r} is not a number, or three with commas between"
            if text
            else "a custom backbone needs the mean and std that normalise its pixels",
            where=flag,
            fix="For pixels of 0..255 give --mean 127.5 --std 127.5 if it takes -1..1, --mean 0 "
            "--std 255 for 0..1, --mean 0 --std 1 for 0..255, or red,green,blue.",
        ) from None
    return red, green, blue


def is_saved_model(spec: ModelSpec) -> bool:
    """Whether there is a SavedModel behind `spec`, and so no Keras model."""
    return spec.source is not None and spec.source.path.is_dir()


def _own_units(spec: ModelSpec) -> BackboneFile | None:
    """The file, when it takes other units than the spec says."""
    file = spec.source
    if file is None or (file.mean, file.std) == ((spec.mean,) * 3, (spec.std,) * 3):
        return None
    return file


# --- Keras


def keras_backbone(spec: ModelSpec) -> Any:
    """The Keras model in the spec's file, as `as_backbone` makes it.

    Raises:
        SettingsError: there is a SavedModel, which holds no Keras model.
        WeightsError: it can't be opened, or isn't a backbone.
    """
    import keras

    assert spec.source is not None
    path = spec.source.path
    if is_saved_model(spec):
        raise SettingsError(
            "a SavedModel can't be fine-tuned: it contains no Keras layers",
            where=path,
            fix="Give the model as a .keras file, or leave out --fine-tune.",
        )
    hdf5 = None if path.suffix.lower() == ".keras" else read_hdf5(path)
    try:
        model = keras.models.load_model(
            path, compile=False, safe_mode=True, custom_objects=hdf5 and older_layers()
        )
    except (ValueError, TypeError, LookupError, AttributeError, OSError, RuntimeError,
            NotImplementedError, ImportError) as error:  # fmt: skip
        if hdf5 is not None and hdf5.keras.startswith("2."):
            raise WeightsError(
                f"Keras {keras.__version__} can't open this file of Keras {hdf5.keras} "
                f"({_first_words(error)})",
                where=path,
                fix=saved_anew(path),
            ) from error
        raise WeightsError(
            f"Keras can't open it ({_first_words(error)})",
            where=path,
            fix="It may be damaged, or contain a lambda or a custom layer: those are code, and "
            "no code of a file is run. Register such a model in Python (packager.specs.register), "
            "or give it as a SavedModel: model.export(folder).",
        ) from error
    return as_backbone(model, spec)


def as_backbone(model: Any, spec: ModelSpec) -> Any:
    """A Keras model from the spec's units to feature vectors, made of `model`.

    Raises:
        WeightsError: it has other inputs or outputs than a backbone; the message says which.
    """
    import keras

    where = spec.source.path if spec.source else spec.name
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise WeightsError(
            "it isn't a Keras model of connected layers (functional or sequential)",
            where=where,
            fix="Build it with keras.Model(inputs, outputs), or give it as a SavedModel: "
            "model.export(folder).",
        )
    _check_inputs([(each.name, each.dtype, each.shape) for each in model.inputs], spec, where)
    _check_outputs([(each.name, each.dtype, each.shape) for each in model.outputs], where)
    last = getattr(getattr(model.outputs[0], "_keras_history", None), "operation", None)
    while isinstance(last, keras.Model) and last.layers:  # Teachable Machine's is made of such
        last = last.layers[-1]
    softmax = getattr(last, "activation", None) is keras.activations.softmax
    if last is not None and (softmax or isinstance(last, keras.layers.Softmax)):
        raise classifier_error(
            f"its last layer, {last.name!r}, is a softmax",
            where,
            fix=saved_anew(Path(where), without_top=True) if _is_hdf5(spec) else _CUT,
        )
    pool = keras.layers.GlobalAveragePooling2D(name="features")
    shape, own = (spec.input_size, spec.input_size, 3), _own_units(spec)
    if own is None and model.inputs[0].shape[1:] == shape:
        if len(model.outputs[0].shape) == 2:
            return model
        return keras.Model(model.inputs, pool(model.outputs[0]), name=model.name)
    image = keras.Input(shape, name="packager_image")
    x = image if own is None else change_units(image, spec, "file_input", own.mean, own.std)
    # `call` runs the layers themselves, where `model(x)` would make one layer of them all.
    x = model.call(x)
    if isinstance(x, (list, tuple)):
        (x,) = x
    joined = keras.Model(image, pool(x) if len(x.shape) == 4 else x, name=model.name)
    # Its layers now have two outputs each, the old and the new; those of a copy have one.
    copy = keras.models.clone_model(joined)
    copy.set_weights(joined.get_weights())
    return copy


# --- SavedModel


def saved_model_features(spec: ModelSpec) -> Callable[[Any], Any]:
    """From an image float32 [1, size, size, 3] in the spec's units to features [1, n].

    Made of TensorFlow operators, for `tf.function(autograph=False)`. Of the signatures
    "serving_default" is taken, or "image_feature_vector", "default" or the only one there is;
    where there is none, the object itself is called, not in training.

    Raises:
        WeightsError: it can't be loaded, or isn't a backbone; what is wrong with its outputs is
            raised when the function is traced.
    """
    import tensorflow as tf

    assert spec.source is not None
    path = spec.source.path
    run = _entry(_load(path), spec, path)
    own = _own_units(spec)
    kernel, bias = (None, None) if own is None else unit_change(spec, own.mean, own.std)

    def features(image: Any) -> Any:
        if kernel is not None:
            image = tf.nn.conv2d(image, kernel, 1, "VALID") + bias
        found = run(image)
        named = found if isinstance(found, dict) else {"output": found}
        for name in _OUTPUTS:
            if name in named:
                named = {name: named[name]}
                break
        ends = [
            (name, end) for name, value in sorted(named.items()) for end in tf.nest.flatten(value)
        ]
        _check_outputs([_described(name, end) for name, end in ends], path)
        (_, output), *_ = ends
        return tf.reduce_mean(output, [1, 2]) if len(output.shape) == 4 else output

    return features


def _load(path: Path) -> Any:
    """The inference part of a SavedModel; TF Hub's old modules keep one for training beside it."""
    import tensorflow as tf

    problem: Exception | None = None
    for tags in (None, ["serve"], []):
        try:
            return tf.saved_model.load(str(path), tags=tags)
        except (ValueError, TypeError, OSError, RuntimeError, LookupError, AttributeError,
                tf.errors.OpError) as error:  # fmt: skip
            problem = problem or error
    raise WeightsError(
        f"TensorFlow can't load it ({_first_words(problem)})",
        where=path,
        fix="It may be damaged or incomplete: saved_model.pb and the folder `variables` belong "
        "together.",
    ) from problem


def _entry(loaded: Any, spec: ModelSpec, path: Path) -> Callable[[Any], Any]:
    """What is called with the image."""
    signatures = dict(getattr(loaded, "signatures", {}))
    names = [name for name in _SIGNATURES if name in signatures] or list(signatures)
    if names and (len(names) == 1 or names[0] in _SIGNATURES):
        arguments = signatures[names[0]].structured_input_signature[1]
        _check_inputs([_described(name, each) for name, each in arguments.items()], spec, path)
        (argument,) = arguments
        return lambda image: loaded.signatures[names[0]](**{argument: image})
    if not callable(loaded):
        raise WeightsError(
            f"it has no signature that can be called ({', '.join(signatures) or 'none at all'})",
            where=path,
            fix=f"Save it with one of the signatures {', '.join(_SIGNATURES)}.",
        )

    def run(image: Any) -> Any:
        try:
            return loaded(image)
        except (ValueError, TypeError) as error:
            raise WeightsError(
                f"it can't be called with an image float32 {list(image.shape)} "
                f"({_first_words(error, 600)})",
                where=path,
                fix="A backbone takes one image. Is --input-size right?",
            ) from error

    return run


# --- what a backbone looks like

_End = tuple[str, str, Sequence[int | None]]  # name, dtype, shape


def _described(name: str, tensor: Any) -> _End:
    """Of a TensorFlow tensor or its spec."""
    return name, tensor.dtype.name, () if tensor.shape.rank is None else tuple(tensor.shape)


def _check_inputs(inputs: Sequence[_End], spec: ModelSpec, where: Path | str) -> None:
    wanted = (1, spec.input_size, spec.input_size, 3)
    (_, dtype, shape), *others = inputs or [("", "", ())]
    image = not others and len(shape) == 4 and dtype == "float32"
    if image and all(has in (None, size) for has, size in zip(shape, wanted, strict=True)):
        return
    fix = "A backbone takes one image, float32 [N, size, size, 3]: red, green, blue."
    if image and shape[3] == 3 and shape[1] and shape[1] == shape[2] != spec.input_size:
        fix = f"Use --input-size {shape[1]}."
    raise WeightsError(
        f"it takes {_named(inputs)}, and would get float32 {_plain(wanted)}", where=where, fix=fix
    )


def _check_outputs(outputs: Sequence[_End], where: Path | str) -> None:
    (_, dtype, shape), *others = outputs or [("", "", ())]
    if not others and dtype == "float32" and len(shape) in (2, 4) and shape[-1]:
        return
    raise WeightsError(
        f"it gives {_named(outputs)}",
        where=where,
        fix="A backbone gives one float32 output: features [N, n], or a map of them "
        "[N, height, width, n], with n known.",
    )


def refuse_classifier(graph: Any, where: Path | str) -> None:
    """Raises `WeightsError` where a frozen function's output is a softmax."""
    made = graph.outputs[0].op
    while made.type in ("Identity", "Reshape", "Squeeze"):
        made = made.inputs[0].op
    if made.type == "Softmax":
        raise classifier_error(f"its output, {made.name!r}, is a softmax", where)


def classifier_error(what: str, where: Path | str, fix: str = _CUT) -> WeightsError:
    """The error for a model that still has its classes."""
    return WeightsError(f"{what}: a classifier, not a backbone", where=where, fix=fix)


def _is_hdf5(spec: ModelSpec) -> bool:
    return spec.source is not None and spec.source.path.suffix.lower() in (".h5", ".hdf5")


def _named(ends: Sequence[_End]) -> str:
    return ", ".join(f"{name} {dtype} {_plain(shape)}" for name, dtype, shape in ends) or "nothing"


def _plain(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def _first_words(error: Exception | None, most: int = 300) -> str:
    # Keras tells the cause last, after the whole configuration.
    words = str(error).rpartition("Exception encountered:")[2]
    return " ".join(words.split())[:most] or type(error).__name__
