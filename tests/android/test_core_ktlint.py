"""ktlint finds nothing in the generated project, nor in the Kotlin of this folder."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.android.conftest import GATE, Maven

pytestmark = pytest.mark.slow

KOTLIN = (".kt", ".kts")


@pytest.fixture(scope="session")
def ktlint(maven: Maven, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ktlint")
    version = re.search("<ktlint.version>(.+)</", (GATE / "pom.xml").read_text())
    assert version is not None
    maven(
        "-N", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
        f"-Dartifact=com.pinterest.ktlint:ktlint-cli:{version[1]}:jar:all",
        f"-DoutputDirectory={folder}",
    )  # fmt: skip
    (jar,) = folder.glob("*.jar")
    return jar


def findings(java: str, ktlint: Path, project: Path, files: list[Path]) -> list[str]:
    """What ktlint says of `files`, by the .editorconfig of `project`."""
    names = [str(file.relative_to(project)) for file in files]
    done = subprocess.run(
        [java, "-jar", str(ktlint), "--log-level=none", *names],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert bool(lines) == bool(done.returncode), done.stderr
    return lines


def kotlin_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in KOTLIN)


def test_generated_project_is_clean(java: str, ktlint: Path, rendered: Path) -> None:
    files = kotlin_files(rendered)
    modules = {path.relative_to(rendered).parts[0] for path in files}
    assert {"core", "classifier", "benchmark", "app", "settings.gradle.kts"} <= modules
    assert findings(java, ktlint, rendered, files) == []


def test_gate_is_clean(java: str, ktlint: Path, rendered: Path, tmp_path: Path) -> None:
    for module in ("core", "android", "litert", "stubs"):
        shutil.copytree(GATE / module, tmp_path / module)
    shutil.copy(rendered / ".editorconfig", tmp_path)
    assert findings(java, ktlint, tmp_path, kotlin_files(tmp_path)) == []


def test_a_fault_is_found(java: str, ktlint: Path, rendered: Path, tmp_path: Path) -> None:
    shutil.copy(rendered / ".editorconfig", tmp_path)
    fault = tmp_path / "Fault.kt"
    fault.write_text("package fault\n\nimport java.io.*\n\nval File.up get() = parentFile\n")
    assert any("no-wildcard-imports" in line for line in findings(java, ktlint, tmp_path, [fault]))
