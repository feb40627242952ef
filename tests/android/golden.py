"""What Python makes of photos and scores, in files that the Kotlin tests read.

Numbers lie in raw little-endian files, the rest in golden.json: `views` (a photo through each
resize rule, as each type of input), `scores` (a raw output and its best classes), and `models`
(real files, and Python's scores of real photos through each rule). predictions.json has the best
class of each real photo, in the form that a project with sample photos has it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from packager.classifier_interface import ModelTensor
from packager.data.images import VIEWS, open_photo, view
from packager.inference import Classifier, Normalisation, entry_table, numbers
from packager.labels import labels_text

SIZE = 32  # of the input of made-up models
NORMALISATION = Normalisation((127.0, 110.5, 90.0), (128.0, 64.25, 51.0))
INPUTS = {"uint8": (1 / 128, 127), "int8": (0.0186, -3), "float32": (None, None)}
OUTPUTS = {"uint8": (1 / 256, 0), "int8": (0.0371, -7), "float32": (None, None)}
CLASSES = 37
# Width and height: larger and smaller than the input, odd, long, tall, a single pixel.
SIZES = (
    (101, 67), (67, 101), (18, 24), (640, 480), (333, 500), (32, 32), (37, 36), (7, 23), (1, 1),
    (900, 5),
)  # fmt: skip


def write_golden(folder: Path, photos: Sequence[Path], models: Sequence[Path]) -> None:
    """Fills `folder`; `photos` are real ones, `models` folders that packager built."""
    folder.mkdir(parents=True, exist_ok=True)
    golden = {
        "views": _views(folder, photos),
        "scores": _scores(folder),
        "models": _models(folder, photos, models),
    }
    (folder / "golden.json").write_text(json.dumps(golden))
    (folder / "predictions.json").write_text(json.dumps(_predictions(golden["models"])))


def _views(folder: Path, photos: Sequence[Path]) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for number, (width, height) in enumerate(SIZES):
        upright = _picture(photos[number % len(photos)], width, height, number)
        for degrees in (0, 90, 180, 270):
            # Pillow turns counterclockwise: turned back clockwise, the picture is upright.
            stored = upright.rotate(degrees, expand=True)
            argb = _save(folder, f"photo{number}-{degrees}", _argb(stored))
            for rule in VIEWS:
                region, pixels = _fitted(upright, rule)
                cases.append(
                    {
                        "photo": argb,
                        "width": stored.width,
                        "height": stored.height,
                        "rotation": degrees,
                        "rule": rule,
                        "region": region,
                        "inputs": [
                            {
                                "spec": _spec(rule, dtype, "float32", "probabilities"),
                                "file": _save(folder, f"view{len(cases)}-{dtype}", values),
                            }
                            for dtype, values in _entered(pixels)
                        ],
                    }
                )
    return cases


def _picture(photo: Path, width: int, height: int, number: int) -> Image.Image:
    """A piece of the photo; every third is noise, where any wrong weight shows."""
    if number % 3 == 2:
        noise = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
        return Image.fromarray(noise)
    return open_photo(photo).resize((width, height), Image.Resampling.LANCZOS)


def _fitted(upright: Image.Image, rule: str) -> tuple[list[float], np.ndarray[Any, Any]]:
    """Left, top, width and height of what `view` takes of the photo, and what it makes of it."""
    with (
        mock.patch.object(
            Image.Image, "resize", autospec=True, side_effect=Image.Image.resize
        ) as crop,
        mock.patch.object(
            Image.Image, "transform", autospec=True, side_effect=Image.Image.transform
        ) as stretch,
    ):
        pixels = view(upright, rule, SIZE)
    (call,) = crop.call_args_list + stretch.call_args_list[: not crop.called]
    left, top, right, bottom = call.kwargs["box"] if rule == "crop" else call.args[3]
    return [left, top, right - left, bottom - top], pixels


def _entered(pixels: np.ndarray[Any, Any]) -> list[tuple[str, np.ndarray[Any, Any]]]:
    entered = []
    for dtype, quantization in INPUTS.items():
        values = pixels
        if dtype != "uint8":
            table = entry_table(_end(dtype, quantization), NORMALISATION)
            assert table is not None
            values = table[np.arange(3), pixels]
        entered.append((dtype, values))
    return entered


def _end(dtype: str, quantization: tuple[float, int]) -> ModelTensor:
    return ModelTensor(0, "", (), (), dtype, *quantization)


def _scores(folder: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = []
    for seed, (dtype, quantization) in enumerate(OUTPUTS.items()):
        random = np.random.default_rng(seed)
        raw = random.normal(0, 3, CLASSES).astype(np.float32)
        if dtype != "float32":
            limits = np.iinfo(dtype)
            raw = random.integers(limits.min, limits.max + 1, CLASSES).astype(dtype)
        scores = numbers(raw, _end(dtype, quantization))
        for semantics in ("probabilities", "logits"):
            probable = scores.astype(np.float64)
            if semantics == "logits":
                power = np.exp(probable - probable.max())
                probable = power / power.sum()
            order = np.argsort(-probable, kind="stable")
            # Between two scores, so that rounding can't decide.
            lower = probable[order[CLASSES // 2]]
            threshold = float((lower + probable[probable > lower].min()) / 2)
            cases.append(
                {
                    "spec": _spec("stretch", "uint8", dtype, semantics),
                    "output": _save(folder, f"scores-{dtype}", raw),
                    "scores": probable.tolist(),
                    "threshold": threshold,
                    "top": [
                        {
                            "k": k,
                            "order": order[:k].tolist(),
                            "above": [int(i) for i in order[:k] if probable[i] >= threshold],
                        }
                        for k in (1, 5, CLASSES, CLASSES + 1)
                    ],
                }
            )
    return cases


def _models(folder: Path, photos: Sequence[Path], models: Sequence[Path]) -> list[dict[str, Any]]:
    pictures = [open_photo(photo) for photo in photos]
    saved = [_save(folder, f"real{n}", _argb(picture)) for n, picture in enumerate(pictures)]
    cases: list[dict[str, Any]] = []
    for model in models:
        spec = json.loads((model / "model_spec.json").read_text())
        normalisation = Normalisation(tuple(spec["input"]["mean"]), tuple(spec["input"]["std"]))
        classifier = Classifier((model / "model.tflite").read_bytes(), normalisation)
        size = classifier.size
        cases.append(
            {
                "folder": str(model),
                "photos": [
                    {
                        "photo": name,
                        "width": picture.width,
                        "height": picture.height,
                        **{
                            rule: classifier.scores(view(picture, rule, size)).tolist()
                            for rule in VIEWS
                        },
                    }
                    for name, picture in zip(saved, pictures, strict=True)
                ],
            }
        )
    return cases


def _predictions(models: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_model = {}
    for model in models:
        folder = Path(model["folder"])
        spec = json.loads((folder / "model_spec.json").read_text())
        labels = (folder / "labels.txt").read_text().split("\n")
        entries = []
        for photo in model["photos"]:
            scores = photo[spec["resize"]["rule"]]
            index = int(np.argmax(scores))
            entries.append(
                {
                    "file": photo["photo"],
                    "label": labels[index],
                    "index": index,
                    "score": scores[index],
                }
            )
        by_model[spec["model"]["sha256"]] = entries
    return {"format": 1, "models": by_model}


def _spec(rule: str, input_dtype: str, output_dtype: str, semantics: str) -> dict[str, Any]:
    """A contract of the form that packager writes, of a model that isn't there."""

    def tensor(name: str, shape: list[int], dtype: str, quantization: Any) -> dict[str, Any]:
        scale, zero_point = quantization
        return {
            "name": name, "shape": shape, "dtype": dtype, "scale": scale, "zero_point": zero_point,
        }  # fmt: skip

    labels = labels_text([f"class {n}" for n in range(CLASSES)])
    return {
        "format": 1,
        "model": {
            "name": "none",
            "file": "model.tflite",
            "sha256": "0" * 64,
            "quantization": "none",
        },
        "input": {
            **tensor("image", [1, SIZE, SIZE, 3], input_dtype, INPUTS[input_dtype]),
            "color_space": "RGB",
            "mean": list(NORMALISATION.mean),
            "std": list(NORMALISATION.std),
        },
        "resize": {"rule": rule, "interpolation": "bilinear", "antialias": rule == "crop"},
        "output": {
            **tensor("scores", [1, CLASSES], output_dtype, OUTPUTS[output_dtype]),
            "semantics": semantics,
            "threshold": 0.25,
        },
        "labels": {
            "file": "labels.txt",
            "count": CLASSES,
            "sha256": hashlib.sha256(labels.encode()).hexdigest(),
        },
    }


def _argb(picture: Image.Image) -> np.ndarray[Any, Any]:
    red, green, blue = np.moveaxis(np.array(picture).astype(np.uint32), 2, 0)
    return np.asarray((255 << 24) | (red << 16) | (green << 8) | blue, "<u4")


def _save(folder: Path, name: str, values: np.ndarray[Any, Any]) -> str:
    little = values.astype(values.dtype.newbyteorder("<"))
    (folder / f"{name}.bin").write_bytes(little.tobytes())
    return f"{name}.bin"
