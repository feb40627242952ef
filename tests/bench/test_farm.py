from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from packager.bench.farm import farm_steps, read_farm, shell_script
from packager.bench.results import write_results
from packager.errors import BenchError, SettingsError
from tests.bench.measurements import measured, results

GCLOUD = """#!{python}
import json, os, sys
with open(os.environ["HEARD"], "a") as heard:
    heard.write(json.dumps(sys.argv) + "\\n")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which only what the command lines need is there; its path has to be quoted."""
    folder = tmp_path / "my app's project"
    (folder / "benchmark").mkdir(parents=True)
    (folder / "benchmark" / "build.gradle.kts").write_text(
        'android {\n    namespace = "com.example.flowers.benchmark"\n}\n'
    )
    return folder


def heard_by_tools(script: str, tmp_path: Path, *tools: Path) -> list[list[str]]:
    """Runs the script in a shell where each tool only writes down how it was called."""
    for tool in tools:
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(GCLOUD.format(python=sys.executable))
        tool.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HEARD": str(tmp_path / "heard"),
    }
    subprocess.run(["sh", "-euc", script], check=True, env=environment, cwd=tmp_path)
    return [json.loads(line) for line in (tmp_path / "heard").read_text().splitlines()]


def test_shell_hands_the_tools_what_they_take(project: Path, tmp_path: Path) -> None:
    script = shell_script(farm_steps(project, bucket="gs://mine/", name="try 1", minutes=20))
    tools = [tmp_path / "bin" / name for name in ("gcloud", "packager")]
    build, models, run, fetch, show = heard_by_tools(script, tmp_path, project / "gradlew", *tools)
    assert build[1:] == ["--project-dir", str(project), ":app:assembleDebug",
                         ":benchmark:assembleAndroidTest"]  # fmt: skip
    assert models[1:5] == ["firebase", "test", "android", "models"]
    assert run[1:5] == ["firebase", "test", "android", "run"]
    given = dict(zip(run[5::2], run[6::2], strict=False))
    output = "/sdcard/Android/media/com.example.flowers.benchmark.test/additional_test_output"
    assert given["--type"] == "instrumentation"
    assert given["--app"] == str(project / "app/build/outputs/apk/debug/app-debug.apk")
    assert given["--test"].startswith(str(project / "benchmark/build/outputs/apk/androidTest"))
    assert given["--directories-to-pull"] == output
    assert f"additionalTestOutputDir={output}" in given["--environment-variables"].split(",")
    assert given["--timeout"] == "20m"
    assert run.count("--device") == 2
    assert fetch[1:] == ["storage", "cp", "--recursive", "gs://mine/try 1", "."]
    assert show[1:] == ["bench", "show", "try 1"]


def test_devices_are_those_asked_for(project: Path) -> None:
    command = farm_steps(project, devices=["shiba:34", "a52sxq:31"])[2].command
    assert command.count("--device") == 2
    assert "model=shiba,version=34," in command
    assert "model=a52sxq,version=31," in command
    assert "--results-bucket" not in command


def test_generated_project_has_what_is_needed() -> None:
    """The paths and the namespace that the command lines rest on, in the templates themselves."""
    from packager.android.template import template_folder

    module = template_folder("android") / "benchmark" / "build.gradle.kts"
    script = module.read_text()
    assert 'namespace = "[[ package | gradle ]].benchmark"' in script
    assert 'testBuildType = "release"' in script  # hence .../androidTest/release/...


@pytest.mark.parametrize(
    "device", ["", "redfin", "redfin:", ":30", "redfin:x", "a b:30", "a:1,b=2"]
)
def test_odd_devices_are_refused(project: Path, device: str) -> None:
    with pytest.raises(SettingsError, match="--device"):
        farm_steps(project, devices=[device])


@pytest.mark.parametrize("minutes", [0, 46])
def test_time_limit_of_the_farm(project: Path, minutes: int) -> None:
    with pytest.raises(SettingsError, match="Use 1 to 45"):
        farm_steps(project, minutes=minutes)


def test_other_folders_are_no_project(tmp_path: Path) -> None:
    with pytest.raises(
        BenchError, match=r"not a project with a benchmark module.*packager android"
    ):
        farm_steps(tmp_path)


def test_results_of_each_phone_are_read(tmp_path: Path) -> None:
    inside = Path("artifacts", "sdcard", "Android", "media", "p", "additional_test_output")
    for device, milliseconds in (("redfin-30-en-portrait", 9), ("oriole-33-en-portrait", 6)):
        write_results(results(measured("m", milliseconds)), tmp_path / device / inside / "r.json")
    (tmp_path / "bluejay-32-en-portrait").mkdir()
    (tmp_path / "bluejay-32-en-portrait" / "test_result_1.xml").write_text("<testsuite/>")
    (tmp_path / "redfin-30-en-portrait" / "other.json").write_text('{"a": 1}')
    found = read_farm(tmp_path)
    assert [source.name for source in found.sources] == [
        "oriole-33-en-portrait", "redfin-30-en-portrait",
    ]  # fmt: skip
    assert [source.results.measurements[0].statistics().count for source in found.sources] == [
        100, 100,
    ]  # fmt: skip
    assert len(found.unread) == 2
    assert found.unread[0].startswith("other.json: this is not a file of benchmark results")
    assert found.unread[1] == "bluejay-32-en-portrait left no results"


def test_folder_of_one_phone(tmp_path: Path) -> None:
    device = tmp_path / "redfin-30-en-portrait"
    write_results(results(), device / "artifacts" / "r.json")
    assert [source.name for source in read_farm(device).sources] == ["redfin-30-en-portrait"]


def test_folder_without_results(tmp_path: Path) -> None:
    (tmp_path / "redfin-30-en-portrait").mkdir()
    with pytest.raises(BenchError, match=r"no results.*redfin-30-en-portrait left none.*logcat"):
        read_farm(tmp_path)
