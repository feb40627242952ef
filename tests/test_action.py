"""action.yml and its script, as a runner of GitHub's would call them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]


class Runner:
    """Runs the step of that id; `outputs` are what it has set so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.outputs = folder, dict[str, str]()
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}

    def run(self, step_id: str, inputs: dict[str, str]) -> subprocess.CompletedProcess[str]:
        step = next(step for step in STEPS if step.get("id") == step_id)
        given = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
        given |= inputs
        environment = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], value)
            for name, value in step["env"].items()
        }
        python = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder, capture_output=True, text=True, check=False,
            env={
                **os.environ, **environment, "GITHUB_ACTION_PATH": str(ROOT),
                "PATH": f"{python}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
                **{name: str(path) for name, path in self.files.items()},
            },
        )  # fmt: skip
        if self.files["GITHUB_OUTPUT"].exists():
            lines = self.files["GITHUB_OUTPUT"].read_text("utf-8").splitlines()
            self.outputs = dict(line.split("=", 1) for line in lines)
        return done


@pytest.mark.slow
def test_photos_in_and_model_report_and_apk_out(
    photos: Path, warm_cache: Path, tmp_path: Path
) -> None:
    runner = Runner(tmp_path)
    inputs = {"data": str(photos), "arguments": "--epochs 3 --name 'A | B'", "out": "my model"}
    done = runner.run("build", inputs)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / runner.outputs["model"]).stat().st_size > 1_000_000
    assert (tmp_path / runner.outputs["report"]).read_text("utf-8").startswith("<!doctype html>")
    assert 0 <= float(runner.outputs["top1"]) <= 1
    summary = runner.files["GITHUB_STEP_SUMMARY"].read_text("utf-8").splitlines()
    assert summary[2].startswith(r"| A \| B | 3.")

    gradlew = tmp_path / "my model" / "android" / "gradlew"
    made = "app/build/outputs/apk/debug"
    gradlew.write_text(f'#!/bin/sh\nmkdir -p {made}\necho "$@" > {made}/app-debug.apk\n')
    done = runner.run("apk", inputs)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / runner.outputs["apk"]).read_text() == "assembleDebug\n"

    gradlew.write_text("#!/bin/sh\necho no SDK >&2\nexit 7\n")
    assert runner.run("apk", inputs).returncode == 7


def test_what_packager_refuses_ends_the_step(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    done = runner.run("build", {"data": "missing", "out": "out"})
    assert done.returncode == 1
    assert "missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert runner.outputs == {}
    done = runner.run("apk", {"out": "out"})
    assert done.returncode == 1
    assert "there is no app" in done.stderr


def test_inputs_reach_scripts_through_the_environment_alone() -> None:
    for step in STEPS:
        assert "${{" not in step.get("run", "")
    used = re.findall(r"inputs\.(\w+)", (ROOT / "action.yml").read_text("utf-8"))
    assert set(used) == set(ACTION["inputs"])
