"""A rendered project, and the Maven build that compiles and tests it (pom.xml beside this)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from packager.android.project import generate_project
from packager.build import build
from tests.conftest import need
from tests.settings import build_settings

GATE = Path(__file__).parent
# The Kotlin tests here import the generated code by this name.
PACKAGE = "com.example.flowers"
# Of each type of input; quantization and io.
MODELS = {"uint8": ("int8", "uint8"), "int8": ("int8", "int8"), "float32": ("none", None)}

MAVEN_DEPENDENCY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

Maven = Callable[..., str]


@pytest.fixture(scope="session")
def rendered(photos: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project around a small built model; the Maven build writes beside it."""
    root = tmp_path_factory.mktemp("rendered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        built = build(build_settings(data=photos, out=root / "model", epochs=8))
    project = generate_project(
        built.model, root / "project", package=PACKAGE, app_id=PACKAGE, app_name="Flowers"
    )
    return project.folder


@pytest.fixture(scope="session")
def java() -> str:
    found = shutil.which("java")
    need(found is not None, "java (Debian: openjdk-17-jdk-headless)")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def maven(java: str, rendered: Path) -> Maven:
    """`maven("-pl", "core", "test")`: runs it on the rendered project and gives what it printed.

    With `pom` another build than the one beside this. The test fails, with the end of what was
    printed, when Maven does.
    """
    mvn = shutil.which("mvn")
    need(mvn is not None, "Maven (Debian: maven)")

    def run(*arguments: str, pom: Path = GATE / "pom.xml") -> str:
        done = subprocess.run(
            [
                str(mvn), "-B", "-ntp", "-Dstyle.color=never", "-f", str(pom),
                f"-Drendered={rendered}", *arguments,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            faults = [line for line in done.stdout.splitlines() if "ERROR" in line]
            tail = "\n".join(faults[:60] or done.stdout.splitlines()[-60:])
            pytest.fail(f"mvn {' '.join(arguments)}:\n{tail}\n{done.stderr[-2000:]}", pytrace=False)
        return done.stdout

    return run


def write_pom(folder: Path, body: str) -> Path:
    """A pom.xml for `maven`, with `body` in its project."""
    pom = folder / "pom.xml"
    pom.write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>packager.gate</groupId>"
        f"<artifactId>fetched</artifactId><version>1</version>{body}</project>"
    )
    return pom


def dependencies(library: str) -> str:
    """On one library, "group:name:version", as it stands in a pom.xml."""
    group, name, version = library.split(":")
    return (
        f"<dependencies><dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency></dependencies>"
    )


@pytest.fixture(scope="session")
def flower_models(
    flowers: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Folders built from real photos, one for each type of input."""
    root = tmp_path_factory.mktemp("flowers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        return [
            build(build_settings(data=flowers, out=root / name, quantize=how, io=io)).out
            for name, (how, io) in MODELS.items()
        ]
