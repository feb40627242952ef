"""A finished build's folder, without training: files as a build writes them, photos that exist."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from packager.evaluation import _answer, _measure
from packager.report.facts import FORMAT
from tests.conftest import save_photo

VOID = {"meta", "img", "br"}
INLINE = {"bdi", "b", "code", "em", "span"}


def make_build(
    root: Path, labels: Sequence[str] = ("blue", "green", "red"), *, photos: int = 4, test: int = 2
) -> Path:
    """`photos` of each class, of which the first `test` are measured; gives the folder.

    Of the float model's answers the first is wrong (view stretch, score 0.9), the last changes
    in the exported one's crop view from right to wrong.
    """
    names = [[f"{number}/{i}.png" for i in range(photos)] for number in range(len(labels))]
    for number, paths in enumerate(names):
        for i, path in enumerate(paths):
            if number < 6:
                save_photo(root / "photos" / path, (40 * number, 90, 200), seed=i)
            else:
                (root / "photos" / path).parent.mkdir(exist_ok=True)
                shutil.copy(root / "photos" / names[number % 6][i], root / "photos" / path)
    measured = {path: number for number, paths in enumerate(names) for path in paths[:test]}
    truth = np.array(list(measured.values()))
    before = np.full((2, len(truth), len(labels)), 0.05)
    before[:, np.arange(len(truth)), truth] = 0.6
    before[0, 0, -1] = 0.9
    after = before.copy()
    after[1, -1, 0] = 0.7
    accuracy = {
        name: {
            view: _plain(
                _measure(
                    view,
                    [_answer(*each) for each in zip(scores[place], truth, strict=True)],
                    truth.tolist(),
                    labels,
                )
            )
            for place, view in enumerate(("stretch", "crop"))
        }
        for name, scores in (("float32", before), ("exported", after))
    }
    epoch = {"loss": 0.7, "accuracy": 0.8, "validation_loss": 0.75, "validation_accuracy": 0.7}
    counts = {"train": photos - test - 1, "validation": 1, "test": test}
    facts = {
        "format": FORMAT,
        "command": "packager build --spec lite0 --data path/to/photos",
        "recipe": {
            "seed": 3, "photos": {"split": "80/10/10"},
            "quantization": {"type": "int8", "max_accuracy_drop": None},
            "metadata": {"licence": "", "author": ""},
        },
        "spec": {"name": "lite0", "title": "EfficientNet-Lite0", "citation": "Tan & Le 2019"},
        "weights": {"path": "/cache/lite0.pth", "sha256": "ab" * 32, "licence": "Apache-2.0"},
        "data": {
            "root": str(root / "photos"), "photos": photos * len(labels), "presplit": False,
            "classes": dict.fromkeys(labels, counts), "samples": names, "ignored": 2,
            "rejects": [{"path": "0/broken.jpg", "reason": "the file is truncated"}],
            "duplicates": [], "conflicts": [],
            "findings": {
                "labels": [
                    {"problem": problem, "path": "1/<b>.jpg", "label": "<i>", "suggested": "x",
                     "detail": "x 90 %, <i> 2 %"}
                    for problem in ("wrong label", "doubtful label", "doubtful label")
                ],
                "near_duplicates": [["0/<i>.jpg", "0/b.jpg"]],
                "contradictions": [["0/b.jpg", "1/b.jpg"]],
                "faults": [
                    {"problem": problem, "path": "0/<i>.jpg", "detail": "640 x 204 pixels"}
                    for problem in ("odd shape", "dark", "dark")
                ],
                "class_notes": [{"label": "<i>", "what": "its photos are <b>"}],
            },
            "split": {
                "test": list(measured),
                "validation": [paths[test] for paths in names],
                "train": [path for paths in names for path in paths[test + 1 :]],
            },
        },
        "curves": [epoch, {**epoch, "validation_loss": 0.5}, epoch],
        "best_epoch": 1,
        "accuracy": {
            "photos": {"float32": measured, "exported": measured},
            "drop_points": {"stretch": 0.0, "crop": 100 / len(truth)},
            **accuracy,
        },
        "bytes": {"float32": 13_500_000, "exported": 4_000_000},
        "seconds": {"total": 12.0},
        "versions": {"packager": "1.2.3"},
    }  # fmt: skip
    contract = {
        "model": {
            "name": "photos EfficientNet-Lite0", "file": "model.tflite", "bytes": 4_000_000,
            "sha256": "cd" * 32, "spec": "lite0", "quantization": "int8",
        },
        "input": {
            "shape": [1, 224, 224, 3], "dtype": "uint8", "scale": 1 / 128, "zero_point": 127,
            "mean": [127.0], "std": [128.0],
        },
    }  # fmt: skip
    out = root / "out"
    out.mkdir()
    write_json(out / "report.json", facts)
    write_json(out / "model_spec.json", contract)
    return out


def judged(out: Path) -> dict[str, Any]:
    """The build's facts with all that is told of a build's own figures; in its report.json too."""
    facts: dict[str, Any] = json.loads((out / "report.json").read_text())
    exported = facts["accuracy"]["exported"]
    bins = [{"low": 0.6, "high": 0.7, "answers": 5, "confidence": 0.6, "accuracy": 0.8}]
    photo = next(iter(facts["accuracy"]["photos"]["exported"]))
    facts |= {
        "labels": [*facts["data"]["classes"], "none of these"],
        "scores": {"temperature": 0.5, "threshold": 0.42},
        "cross_validation": {
            "photos": 12,
            "folds": 5,
            "views": exported,
            "calibration": {
                "before": {"error": 0.17, "bins": bins},
                "after": {"error": 0.02, "bins": bins},
            },
            "curve": [{"photos": 40.0, "top1": 0.7}, {"photos": 80.0, "top1": 0.8}],
            "doubled_top1": 0.87,
            "classes_in_need": [1],
            "refit_gain": {"points": 0.9, "low": 0.3, "high": 1.6},
        },
        "unknown": {
            "label": "none of these",
            "own": {"stretch": {"blue": 1}, "crop": {}},
            "drawings": {
                "what": "drawn pictures",
                "photos": 60,
                "false_accept_rate": {"stretch": 0.05, "crop": 0.1},
            },
            "negatives": {
                "what": "counter-examples",
                "photos": 20,
                "false_accept_rate": {"stretch": 0.1, "crop": 0.05},
                "interval": {"stretch": [0.028, 0.301], "crop": [0.009, 0.236]},
            },
        },
        "heat": {photo: {"view": "crop", "label": 0, "values": [[0.0, 1.0], [0.5, 0.2]]}},
    }
    write_json(out / "report.json", facts)
    return facts


def change(path: Path, *keys: str, to: Any) -> None:
    """Sets one value in a JSON file."""
    content = inner = json.loads(path.read_text("utf-8"))
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    write_json(path, content)


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), "utf-8")


def _plain(view: Any) -> dict[str, Any]:
    from packager.record import as_json

    values = json.loads(as_json(view))
    del values["view"]
    return dict(values)


class Page(HTMLParser):
    """A page as a browser sees it; asserts that every element is closed, in order.

    Attributes:
        elements: (name, attributes) of each; text: all of it; requests: addresses that are
            neither inside the page nor data.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text("utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.requests: list[str] = []
        self._open: list[str] = []
        self.feed(self.source)
        assert self._open == []

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for element, attributes in self.elements if element == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text += "" if tag in INLINE else " "
        for name, value in attrs:
            inside = (value or "").startswith(("#", "data:image/"))
            if name in ("src", "href", "xlink:href", "srcset", "data", "action") and not inside:
                self.requests.append(value or "")
            assert not name.startswith("on"), f"{name} in {tag}"

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self.text += "" if tag in INLINE else " "

    def handle_data(self, data: str) -> None:
        self.text += "" if self._open[-1:] == ["style"] else data
