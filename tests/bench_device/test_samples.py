"""Photos and answers that go to the phone, of models that are fed differently."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

from packager.android.samples import write_sample_photos
from packager.contract import DescribedModel, describe_model
from tests.android_project.conftest import save_model


def test_each_model_is_asked_by_its_own_resize_rule(tmp_path: Path) -> None:
    """Of a wide photo, dark at its sides: the model tells dark ones from light ones."""
    pixels = np.zeros((240, 960, 3), np.uint8)
    pixels[:, 360:600] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    models = []
    for rule in ("stretch", "crop"):
        (tmp_path / rule).mkdir()
        path = save_model(tmp_path / rule, labels=("dark", "grey", "light"), name=rule)
        told = describe_model(path)
        resize = {**told.spec["resize"], "rule": rule, "antialias": rule == "crop"}
        models.append(DescribedModel(told.model, told.labels, {**told.spec, "resize": resize}))

    assert write_sample_photos(tmp_path / "samples", [tmp_path / "wide.png"], models) == 2

    record = json.loads((tmp_path / "samples/predictions.json").read_text())
    said = [
        record["models"][hashlib.sha256(model.model).hexdigest()][0]["label"] for model in models
    ]
    assert said == ["dark", "light"]
    with Image.open(tmp_path / "samples/photos/00.png") as photo:
        assert photo.size == (480, 120)
