"""What needs no TensorFlow doesn't import it, even where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from packager.extras import has_extra
from tests.conftest import ROOT, need

# Python runs it when it starts: also in the processes that models run in.
WATCH = """
import os, sys

def note(event, arguments):
    if event == "import" and arguments[0] in ("tensorflow", "keras"):
        with open(os.environ["IMPORTED"], "a") as file:
            print(arguments[0], sys.orig_argv, file=file)

sys.addaudithook(note)
"""

# Models of small inputs from random weights, since accuracy isn't looked at; and a real client's
# answers are made up, so that all of `verify` but the client itself runs.
COMMANDS = """
import contextlib, shlex, sys, types
from dataclasses import replace
from packager.cli import app
from packager.specs import SPECS
from packager.verify import report

SPECS.update({name: replace(spec, input_size=64) for name, spec in SPECS.items()})
answer = {"scores": [[0, "blue", 0.9], [1, "green", 0.06], [2, "red", 0.04]], "milliseconds": 1.0}
client = types.SimpleNamespace(
    classify=lambda *photo: answer, facts={"version": "1", "python": "3"}
)
report.environment_python = lambda *_: None
report.open_session = lambda *_: contextlib.nullcontext(client)
for line in sys.stdin.read().splitlines():
    app(shlex.split(line), standalone_mode=False)
    imported = {"tensorflow", "keras"} & set(sys.modules)
    assert not imported, f"{line} imports {imported}"
"""

SETTINGS = "--weights none --epochs 1 --split 50/25/25 --data photos --quiet"
LINES = "\n".join(
    (
        *(
            f"build --spec lite0 --quantize {quantization} {SETTINGS} --out {quantization}"
            for quantization in ("none", "fp16", "dynamic", "int16x8", "int8")
        ),
        f"build --spec mobilenet_v2 {SETTINGS} --out mobilenet_v2",
        f"build --spec resnet50 --quantize dynamic {SETTINGS} --out resnet50",
        f"build --spec auto --candidates lite0 --max-size 8MB {SETTINGS} --out chosen",
        f"compare --specs lite0 --quantize none,int8 --runs 5 {SETTINGS} --out compared",
        "recipe --recipe int8/report.json --out recipe.toml",
        "photos photos --list found.csv --quiet",
        "inspect int8/model.tflite",
        "evaluate int8/model.tflite --data photos --quiet",
        "predict int16x8/model.tflite photos/red/0.png",
        "explain int8/model.tflite photos/red/0.png --out explained --quiet",
        "verify int8/model.tflite --data photos --client mediapipe --quiet",
        "bench fp16/model.tflite --data photos --threads 1 --runs 5 --out bench.json --quiet",
        "bench show bench.json --html bench.html",
        "report int8 --bench bench.json --plots --quiet",
        "metadata write none/model.tflite --labels none/labels.txt --out named.tflite",
        "android named.tflite --out android",
        "specs",
        "weights",
        "doctor",
    )
)


def run(program: str, lines: str, folder: Path, cache: Path) -> str:
    """Runs the program; gives what was imported, and by which process."""
    (folder / "watch").mkdir(exist_ok=True)
    (folder / "watch" / "sitecustomize.py").write_text(WATCH)
    imported = folder / "imported.txt"
    imported.write_text("")
    path = os.pathsep.join([str(folder / "watch"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", program], input=lines, cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path, "IMPORTED": str(imported),
             "PACKAGER_CACHE": str(cache)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return imported.read_text()


@pytest.mark.slow
def test_the_main_commands_import_no_tensorflow(
    photos: Path, session_cache: Path, tmp_path: Path
) -> None:
    need(has_extra("tensorflow"), "the extra `tensorflow`")
    (tmp_path / "photos").symlink_to(photos)
    assert run(COMMANDS, LINES, tmp_path, session_cache) == ""


def test_an_import_in_another_process_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("")
    child = "subprocess.run([sys.executable, '-c', 'import keras'], check=True)"
    said = run(f"import subprocess, sys; {child}", "", tmp_path, tmp_path)
    assert said.startswith("keras")
