"""The harness found where Gradle leaves it, or built by a gradlew of the test's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from packager.bench.gradle import harness_apks, project_apks
from packager.errors import DeviceError
from tests.bench_device.conftest import PACKAGE, Watched, write_apk

OUTPUTS = Path("benchmark", "build", "outputs", "apk", "androidTest", "release")
BUILDS = f"""#!/bin/sh
echo "> Task :core:compileKotlin"
echo "$*" >> calls
mkdir -p {OUTPUTS.as_posix()}
cp built.apk {OUTPUTS.as_posix()}/benchmark-release-androidTest.apk
echo "> Task :benchmark:assembleAndroidTest"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "android"
    (folder / "benchmark").mkdir(parents=True)
    (folder / "benchmark" / "build.gradle.kts").touch()
    (folder / "gradlew").write_text(BUILDS)
    write_apk(tmp_path / "apk").rename(folder / "built.apk")
    return folder


def calls(project: Path) -> list[str]:
    log = project / "calls"
    return log.read_text().splitlines() if log.exists() else []


def test_it_is_built_once_and_again_when_a_source_is_newer(project: Path) -> None:
    watched = Watched()
    (apk,) = project_apks(project, watched)
    assert apk.path == project / OUTPUTS / "benchmark-release-androidTest.apk"
    assert calls(project) == ["--console=plain :benchmark:assembleAndroidTest"]
    assert watched.notes == [":core:compileKotlin", ":benchmark:assembleAndroidTest"]

    for file in project.rglob("*"):
        if "build" not in file.parts:
            os.utime(file, (1_000_000, 1_000_000))
    project_apks(project)
    assert len(calls(project)) == 1
    (project / "benchmark" / "build.gradle.kts").write_text("changed")
    project_apks(project)
    assert len(calls(project)) == 2


def test_gradles_own_reason_is_told(project: Path) -> None:
    (project / "gradlew").write_text(
        "#!/bin/sh\necho '> Task :x FAILED'\necho 'FAILURE: Build failed with an exception.'\n"
        "echo\necho '* What went wrong:'\necho 'SDK location not found.'\necho '* Try:'\n"
        "echo 'noise'\nexit 1\n"
    )
    with pytest.raises(DeviceError, match="SDK location not found") as raised:
        project_apks(project)
    assert "noise" not in raised.value.what
    assert "packager doctor" in raised.value.fix


def test_a_gradlew_that_says_nothing_useful(project: Path) -> None:
    (project / "gradlew").write_text("#!/bin/sh\necho 'JAVA_HOME is not set' >&2\nexit 7\n")
    with pytest.raises(DeviceError, match="status 7.*\n  JAVA_HOME is not set"):
        project_apks(project)


def test_ctrl_c_ends_gradle(project: Path) -> None:
    (project / "gradlew").write_text(
        "#!/bin/sh\ntrap 'echo ended > ended; exit 143' TERM\necho '> Task :one'\nsleep 60 & wait\n"
    )

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project_apks(project, Watched(interrupt))
    assert (project / "ended").exists()


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="not a project with a benchmark module"):
        project_apks(tmp_path)


def test_a_build_without_a_harness(project: Path) -> None:
    (project / "gradlew").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(DeviceError, match="built no APK"):
        project_apks(project)
    (project / OUTPUTS).mkdir(parents=True)
    with pytest.raises(DeviceError, match="no APK with an instrumentation"):
        project_apks(project)


def test_release_is_preferred_in_a_folder_of_several(tmp_path: Path) -> None:
    write_apk(tmp_path / "a", manifest="debuggable")
    release = write_apk(tmp_path / "b")
    (apk,) = harness_apks(tmp_path)
    assert apk.path == release
    assert apk.package == PACKAGE
    shutil.rmtree(tmp_path / "b")
    assert harness_apks(tmp_path)[0].debuggable


def test_an_apk_by_name(tmp_path: Path) -> None:
    path = write_apk(tmp_path)
    assert harness_apks(path)[0].path == path
    with pytest.raises(DeviceError, match="no such file"):
        harness_apks(tmp_path / "none.apk")
