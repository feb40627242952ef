"""Memory that does not grow with the photos, but for their names: measured in child processes."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

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
from packager.training.features import FEATURE_VIEWS, FeatureStore, load_features
from packager.training.head import HeadSettings, train_head

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
    # A photo's vectors are 20,480 bytes, of which training holds four fifths and validation one
    # tenth; its path, digest and places in the split are about 1,200.
    assert (all_in_memory - few) / (MANY - FEW) > 14_000
    assert (many - few) / (MANY - FEW) < 3_000
