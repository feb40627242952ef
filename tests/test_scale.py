"""What many photos and many classes cost: memory, measured in child processes, and output."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import save_photo
from tests.settings import build_settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="VmHWM is Linux's"),
]

# Scan, split, a store of made-up vectors of lite0's size, training; prints the peak in bytes.
PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from packager.bench.trial import peak_memory
from packager.data.folder import scan_folder
from packager.data.split import split_photos
from packager.specs import get_spec
from packager.training.features import FeatureStore, load_features
from packager.training.head import train_head
from packager.training.settings import HeadSettings

root, budget = Path(sys.argv[1]), int(sys.argv[2])
folder = scan_folder(root)
split = split_photos(folder)
store = FeatureStore(get_spec("lite0"), "0" * 64, root.parent / "cache")
random = np.random.default_rng(0)
for photo in (*split.train, *split.validation):
    if store.read(photo.sha256) is None:
        store.write(photo.sha256, random.random(store.shape, np.float32))
parts = [load_features(part, store, budget=budget) for part in (split.train, split.validation)]
head = train_head(*parts, len(folder.classes), HeadSettings(epochs=1))
print(peak_memory(), head.kernel.tobytes().hex()[:32], head.curves[-1])
"""
FEW, MANY = 500, 4000


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    from PIL import Image

    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    roots = {}
    for count in (FEW, MANY):
        roots[count] = tmp_path_factory.mktemp("scale") / "photos"
        for number in range(count):
            path = roots[count] / f"class {number % 5}" / f"{number:06d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            # What follows the end of a PNG makes it another photo.
            path.write_bytes(content.getvalue() + number.to_bytes(4, "big"))
    return roots


def peak(root: Path, budget: int) -> tuple[int, list[str]]:
    """Bytes, and the head's kernel and curves."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(root), str(budget)], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    first, *rest = told.stdout.split()
    return int(first), rest


def test_memory_does_not_grow_with_the_photos(folders: dict[int, Path]) -> None:
    few, _ = peak(folders[FEW], 2**20)
    many, packed = peak(folders[MANY], 2**20)
    all_in_memory, held = peak(folders[MANY], 2**40)
    assert packed == held, "the same head either way"
    # A photo's vectors are 10,240 bytes, of which training holds four fifths and validation one
    # tenth; its path, digest and places in the split are about 1,200.
    assert (all_in_memory - few) / (MANY - FEW) > 7_000
    assert (many - few) / (MANY - FEW) < 3_000


# The command, with its peak, or that of the process that runs the model, on standard error.
EVALUATE = """
import resource
import sys
from packager.bench.trial import peak_memory
from packager.cli import main

try:
    main()
finally:
    of_child = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(max(peak_memory(), of_child), file=sys.stderr)
"""
CLASSES = 20_000


@pytest.fixture(scope="module")
def models(tiny_backbone: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Models of some thousand classes with random heads, by number of classes."""
    from packager.export.head import attach_head
    from packager.metadata.writer import ClassifierMetadata, write_metadata

    files = {}
    for classes in (1000, CLASSES):
        kernel = np.random.default_rng(0).normal(0, 0.3, (16, classes)).astype(np.float32)
        model = attach_head(tiny_backbone, kernel, np.zeros(classes, np.float32))
        labels = tuple(f"class number {number:05d}" for number in range(classes))
        described = ClassifierMetadata(name="", labels=labels, mean=(127.5,), std=(127.5,))
        files[classes] = tmp_path_factory.mktemp("models") / "model.tflite"
        files[classes].write_bytes(write_metadata(model, described))
    return files


def some_photos(root: Path, classes: int, photos: int) -> Path:
    for number in range(classes):
        for i in range(photos):
            color = (number % 7 * 35, number % 5 * 50, number % 3 * 80)
            save_photo(root / f"class number {number:05d}" / f"{i}.png", color, i, size=16)
    return root


def evaluated(model: Path, photos: Path, *flags: str) -> tuple[int, str]:
    """Peak in bytes, and what is printed."""
    told = subprocess.run(
        [sys.executable, "-c", EVALUATE, "evaluate", str(model), "--data", str(photos), "--quiet",
         *flags],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return int(told.stderr.splitlines()[-1]), told.stdout


def test_evaluation_grows_with_photos_and_classes_not_with_their_product(
    models: dict[int, Path], tmp_path: Path
) -> None:
    few = some_photos(tmp_path / "few", 3, 2)
    many = some_photos(tmp_path / "many", 100, 6)
    small, _ = evaluated(models[1000], few, "--json")
    large, short = evaluated(models[CLASSES], few, "--json")
    largest, long = evaluated(models[CLASSES], many, "--json")
    # A table of classes by classes takes 3.2 GB, the scores of 600 photos in two views 96 MB.
    assert (large - small) / (CLASSES - 1000) < 3000
    assert largest - large < 32 * 2**20
    assert len(short) < 80 * CLASSES
    assert len(long) - len(short) < 1500 * 600
    _, table = evaluated(models[CLASSES], many)
    assert len(table.splitlines()) < 80
    assert "19,900 of 20,000 classes have no photos here." in table


def test_training_holds_no_table_of_classes_by_classes() -> None:
    program = """
import numpy as np
from packager.bench.trial import peak_memory
from packager.training.head import train_head
from packager.training.settings import HeadSettings

before = peak_memory()
features, labels = np.ones((20_000, 1, 16), np.float32), np.arange(20_000)
settings = HeadSettings(epochs=1, steps_per_epoch=2)
train_head((features, labels), (features[:900], labels[:900]), 20_000, settings)
print(peak_memory() - before)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) < 400 * 2**20  # such a table of float32 takes 1.6 GB


def test_report_of_a_thousand_classes(
    session_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    from packager.build import build

    monkeypatch.setenv("PACKAGER_CACHE", str(session_cache))
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 3))
    hidden = keras.layers.Conv2D(32, 4, strides=4, activation="relu")(image)
    backbone = keras.Model(image, keras.layers.GlobalAveragePooling2D()(hidden))
    backbone.save(tmp_path / "tiny.keras")
    out = tmp_path / "out"
    build(
        build_settings(
            data=some_photos(tmp_path / "photos", 1000, 3), out=out, input_size=16, mean="127.5",
            std="127.5", backbone=tmp_path / "tiny.keras", quantize="none", epochs=1,
        )
    )  # fmt: skip
    assert (out / "report.json").stat().st_size < 1000 * (3000 + 1000)
    assert (out / "report.html").stat().st_size < 1_500_000
