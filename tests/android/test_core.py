"""`:core` of a rendered project: its own tests, and against Python, LiteRT and Android's reader."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from packager.android.template import template_folder
from tests.android.conftest import GATE, Maven
from tests.android.golden import write_golden
from tests.conftest import need

CORE = template_folder("android") / "core"
SUITES = sorted(
    path.stem for root in (CORE, GATE / "core") for path in root.rglob("src/test/**/*Test.kt")
)
_NAMESPACE = {"pom": "http://maven.apache.org/POM/4.0.0"}


@dataclass(frozen=True)
class Suite:
    """A Kotlin test class that ran."""

    tests: int
    faults: tuple[str, ...]


@pytest.fixture(scope="module")
def suites(
    maven: Maven,
    rendered: Path,
    flowers: Path,
    flower_models: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Suite]:
    """What each Kotlin test class came to, of one Maven run."""
    golden = tmp_path_factory.mktemp("golden")
    photos = sorted(flowers.glob("*/*.jpg"))
    write_golden(golden, photos[:: len(photos) // 20][:20], flower_models)
    maven(
        "-pl", "core", "test", "-Dmaven.test.failure.ignore=true",
        f"-Dgolden={golden}", f"-Dlitert={_litert()}",
    )  # fmt: skip
    reports = (rendered.parent / "gate" / "core" / "surefire-reports").glob("TEST-*.xml")
    return dict(_suite(report) for report in reports)


def _litert() -> Path:
    spec = importlib.util.find_spec("ai_edge_litert")
    assert spec is not None
    assert spec.origin is not None
    library = Path(spec.origin).parent / "libLiteRt.so"
    need(library.is_file(), "libLiteRt.so in the package ai-edge-litert (Linux, 2.x)")
    return library


def _suite(report: Path) -> tuple[str, Suite]:
    root = ElementTree.parse(report).getroot()
    faults = []
    for case in root.iter("testcase"):
        for kind in ("failure", "error", "skipped"):
            fault = case.find(kind)
            if fault is not None:
                faults.append(f"{case.get('name')}: {kind}: {fault.get('message')}")
    return str(root.get("name")).rpartition(".")[2], Suite(int(root.get("tests", 0)), tuple(faults))


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", SUITES)
def test_kotlin(name: str, suites: dict[str, Suite]) -> None:
    assert name in suites, f"{name} did not run"
    assert not suites[name].faults, "\n".join(suites[name].faults)
    assert suites[name].tests > 0


def test_gate_has_the_versions_of_the_generated_project() -> None:
    catalog = (template_folder("android") / "gradle" / "libs.versions.toml").read_text()
    pom = ElementTree.parse(GATE / "pom.xml").getroot()
    for name in ("kotlin", "coroutines", "serialization", "junit", "ktlint"):
        version = pom.findtext(f"pom:properties/pom:{name}.version", namespaces=_NAMESPACE)
        assert re.search(rf'^{name} = "(.+)"$', catalog, re.M).group(1) == version  # type: ignore[union-attr]
