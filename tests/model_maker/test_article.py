"""The whole program of somebody who comes from Model Maker, run as it stands."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from packager.extras import has_extra
from tests.conftest import need

SCRIPT = Path(__file__).with_name("article_script.py")
CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def archive(flowers: Path, target: Path) -> None:
    """As the published one: a folder of five, and a licence beside them."""
    with tarfile.open(target, "w:gz") as tar:
        tar.add(flowers / "LICENSE.csv", "flower_photos/LICENSE.txt")
        for label in CLASSES:
            for photo in sorted((flowers / label).iterdir()):
                tar.add(photo, f"flower_photos/{label}/{photo.name}")


@pytest.mark.slow
def test_script_of_the_article_runs(flowers: Path, warm_cache: Path, tmp_path: Path) -> None:
    need(importlib.util.find_spec("matplotlib") is not None, "matplotlib")
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    archive(flowers, tmp_path / "flower_photos.tgz")
    (tmp_path / "work").mkdir()
    handler = partial(_Silent, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/flower_photos.tgz"
        done = subprocess.run(
            [sys.executable, SCRIPT, address, "lite0", "15", "curves.png"],
            cwd=tmp_path / "work",
            env={
                **os.environ,
                "KERAS_HOME": str(tmp_path / "keras"),
                "MPLCONFIGDIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
        )
        server.shutdown()
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout
    assert f"labels {list(CLASSES)}" in said
    assert "photos 40 32 4 4" in said
    assert "classes (Dense)" in said  # the summary
    assert float(re.search(r"float accuracy (\S+)", said)[1]) >= 0.5
    assert float(re.search(r"file accuracy (\S+) in (\S+) ms", said)[1]) >= 0.5
    written = {path.name for path in (tmp_path / "work").iterdir()}
    assert written == {"model.tflite", "labels.txt", "curves.png"}
