"""`:core` of a rendered project: its own tests, and against Python, LiteRT and Android's reader."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from packager import __version__
from packager.android.template import template_folder
from tests.android.conftest import GATE, Maven
from tests.android.golden import write_golden

CORE = template_folder("android") / "core"
SUITES = sorted(
    path.stem for root in (CORE, GATE / "core") for path in root.rglob("src/test/**/*Test.kt")
)
_NAMESPACE = {"pom": "http://maven.apache.org/POM/4.0.0"}


STATISTICS = GATE.parent / "bench" / "statistics_golden.json"
# What LiteRtBenchmarkTest writes, below the folder where Maven works.
RESULTS = Path("core", "benchmark", "results.json")


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
    litert: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Suite]:
    """What each Kotlin test class came to, of one Maven run."""
    golden = tmp_path_factory.mktemp("golden")
    photos = sorted(flowers.glob("*/*.jpg"))
    write_golden(golden, photos[:: len(photos) // 20][:20], flower_models)
    maven(
        "-pl", "core", "test", "-Dmaven.test.failure.ignore=true",
        f"-Dgolden={golden}", f"-Dlitert={litert}",
        f"-Dstatistics={STATISTICS}", f"-Dresults={rendered.parent / 'gate' / RESULTS}",
    )  # fmt: skip
    reports = (rendered.parent / "gate" / "core" / "surefire-reports").glob("TEST-*.xml")
    return dict(_suite(report) for report in reports)


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
@pytest.mark.parametrize("name", SUITES)
def test_kotlin(name: str, suites: dict[str, Suite]) -> None:
    assert name in suites, f"{name} did not run"
    assert not suites[name].faults, "\n".join(suites[name].faults)
    assert suites[name].tests > 0


@pytest.mark.slow
def test_results_are_read_by_python(suites: dict[str, Suite], rendered: Path) -> None:
    """Every field of the format, and the statistics that numpy finds in the raw runs."""
    assert "LiteRtBenchmarkTest" in suites
    results = json.loads((rendered.parent / "gate" / RESULTS).read_text("utf-8"))
    assert set(results["context"]) == {
        "build", "cpuCoreCount", "cpuLocked", "cpuMaxFreqHz", "memTotalBytes",
        "osCodenameAbbreviated", "sustainedPerformanceModeEnabled", "artMainlineVersion",
        "compilationMode", "packager",
    }  # fmt: skip
    ours = results["context"]["packager"]
    assert (ours["format"], ours["version"], ours["interrupted"]) == (1, __version__, False)
    assert [each["name"] for each in results["benchmarks"]] == [
        "classify[flowers,CPU,1]", "classify[flowers,CPU,2]", "classify[flowers,NPU]",
    ]  # fmt: skip
    for each in results["benchmarks"]:
        assert set(each) == {
            "name", "params", "className", "totalRunTimeNs", "metrics", "sampledMetrics",
            "warmupIterations", "repeatIterations", "thermalThrottleSleepSeconds", "packager",
        }  # fmt: skip
        assert set(each["packager"]) == {
            "model", "requested", "actual", "skipped", "failed", "loadNs", "compileNs",
            "firstInferenceNs", "steady", "statistics", "peakMemoryBytes", "throttled",
            "predictions", "photos",
        }  # fmt: skip
    *measured, skipped = results["benchmarks"]
    for each in measured:
        assert set(each["metrics"]) == {"timeNs", "preprocessNs", "postprocessNs", "endToEndNs"}
        for name, metric in each["metrics"].items():
            _check_statistics(metric, each["packager"]["statistics"][name])
        assert each["packager"]["model"]["spec"] == "lite0"
        assert each["packager"]["predictions"] == {"checked": 20, "wrong": 0, "wrongPhotos": []}
    assert skipped["metrics"] == {}
    assert skipped["packager"]["skipped"]


def _check_statistics(metric: dict[str, Any], said: dict[str, Any]) -> None:
    runs = np.array(metric["runs"])
    assert runs.dtype == np.int64
    spread = runs.std(ddof=1)
    assert (metric["minimum"], metric["maximum"]) == (runs.min(), runs.max())
    assert metric["median"] == pytest.approx(np.median(runs), rel=1e-12)
    assert metric["coefficientOfVariation"] == pytest.approx(spread / runs.mean(), rel=1e-9)
    assert said == pytest.approx(
        {
            "count": len(runs),
            "mean": runs.mean(),
            "standardDeviation": spread,
            **{f"p{p}": np.percentile(runs, p) for p in (90, 95, 99)},
        },
        rel=1e-9,
    )


def test_the_app_names_the_runtime_that_it_is_built_with() -> None:
    catalog = (template_folder("android") / "gradle" / "libs.versions.toml").read_text()
    (source,) = template_folder("android").rglob("ClassifierModel.kt")
    version = re.search(r'^litert = "(.+)"$', catalog, re.M)
    assert version is not None
    assert f'RUNTIME = "LiteRT {version[1]}"' in source.read_text("utf-8")


@pytest.mark.parametrize(
    ("pom", "names"),
    [
        ("pom.xml", ("kotlin", "coroutines", "serialization", "junit", "ktlint")),
        ("android/pom.xml", ("activity", "lifecycle", "androidx-test", "androidx-test-junit")),
    ],
)
def test_gate_has_the_versions_of_the_generated_project(pom: str, names: tuple[str, ...]) -> None:
    catalog = (template_folder("android") / "gradle" / "libs.versions.toml").read_text()
    root = ElementTree.parse(GATE / pom).getroot()
    for name in names:
        path = f"pom:properties/pom:{name.replace('-', '.')}.version"
        version = root.findtext(path, namespaces=_NAMESPACE)
        assert f'\n{name} = "{version}"\n' in catalog
