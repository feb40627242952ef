"""The page's modules without a browser: their numbers against Python's, their types."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from packager.android.template import template_folder
from tests.android.golden import INPUTS, OUTPUTS, SIZES, write_golden

HERE = Path(__file__).parent


def copy_modules(folder: Path) -> Path:
    for path in template_folder("web").glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def test_pixels_and_scores_are_pythons(node: str, flowers: Path, tmp_path: Path) -> None:
    golden = tmp_path / "golden"
    write_golden(golden, sorted(flowers.glob("*/*.jpg"))[::10], [])
    modules = copy_modules(tmp_path)
    done = subprocess.run(
        [node, HERE / "preprocessing.mjs", modules, golden], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    compared = len(SIZES) * 2 * len(INPUTS) + len(OUTPUTS) * 2
    assert json.loads(done.stdout) == {"compared": compared, "faults": []}


@pytest.mark.slow
def test_types_are_right(node: str, unpacked: dict[str, Path], tmp_path: Path) -> None:
    modules = copy_modules(tmp_path)
    shutil.copy(HERE / "tsconfig.json", modules)
    (modules / "node_modules" / "@litertjs").mkdir(parents=True)
    (modules / "node_modules" / "@litertjs" / "core").symlink_to(unpacked["core"])
    tsc = [node, unpacked["typescript"] / "lib" / "tsc.js", "-p", modules]
    done = subprocess.run(tsc, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")

    pixels = modules / "pixels.js"
    pixels.write_text(pixels.read_text().replace("Math.floor(place)", "String(place)"))
    assert "is not assignable" in subprocess.run(tsc, capture_output=True, text=True).stdout
