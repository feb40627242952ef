"""The Kotlin of the Android modules compiles against Android 17 and AndroidX, without a warning.

What of it needs no phone is tested.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from packager.android.template import template_folder
from tests.android.conftest import GATE, PACKAGE, Maven
from tests.android.linked_app import resources, write_r_class

MODULES = {"classifier": ("main",), "benchmark": ("main", "androidTest"), "app": ("main",)}
AAR_METADATA = "META-INF/com/android/build/gradle/aar-metadata.properties"


def suites_of(module: Path) -> dict[str, int]:
    """How many of each class; Maven has failed when one of them did."""
    suites = [
        ElementTree.parse(report).getroot().attrib
        for report in (module / "surefire-reports").glob("TEST-*.xml")
    ]
    assert all(suite["skipped"] == "0" for suite in suites)
    return {suite["name"].rpartition(".")[2]: int(suite["tests"]) for suite in suites}


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_every_source_is_compiled(module: str, rendered: Path, compiled: Path) -> None:
    sources = [
        path
        for each in MODULES[module]
        for path in (rendered / module / "src" / each / "kotlin").rglob("*.kt")
    ]
    everything = [path for path in (rendered / module).rglob("*.kt") if "test" not in path.parts]
    classes = {
        path.stem
        for each in ("classes", "test-classes")
        for path in (compiled / module / each).rglob("*.class")
    }
    assert sorted(sources) == sorted(everything)
    assert [each.name for each in sources if not classes & {each.stem, f"{each.stem}Kt"}] == []


@pytest.mark.slow
def test_model_files_are_read_on_the_jvm(compiled: Path) -> None:
    assert suites_of(compiled / "classifier") == {
        "TfliteTensorsTest": 2,
        "TfliteTensorsOfEveryTypeTest": 1,
    }


@pytest.mark.slow
def test_what_needs_no_phone_is_tested(compiled: Path) -> None:
    sources = (GATE / "android" / "app" / "src" / "test" / "kotlin" / "gate").glob("*Test.kt")
    assert suites_of(compiled / "app") == {
        source.stem: source.read_text("utf-8").count("@Test") for source in sources
    }


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


@pytest.mark.slow
def test_libraries_ask_for_no_newer_android_than_the_project_has(
    rendered: Path, compiled: Path
) -> None:
    """Else Gradle ends with a message about compileSdk or the Android Gradle plugin."""
    script = (rendered / "app" / "build.gradle.kts").read_text("utf-8")
    catalog = (rendered / "gradle" / "libs.versions.toml").read_text("utf-8")
    asked = {"minCompileSdk": "0", "minAndroidGradlePluginVersion": "0"}
    for archive in (compiled / "androidx" / "archives").glob("*.aar"):
        with zipfile.ZipFile(archive) as content:
            if AAR_METADATA not in content.namelist():
                continue
            told = dict(re.findall(r"^(\w+)=(.*)$", content.read(AAR_METADATA).decode(), re.M))
        asked = {key: max(asked[key], told.get(key, "0"), key=numbers) for key in asked}
    has = re.findall(r"compileSdk = (\d+)", script) + re.findall(r'^agp = "(.+)"$', catalog, re.M)
    assert [
        numbers(most) >= numbers(each) > (0,)
        for most, each in zip(has, asked.values(), strict=True)
    ] == [True, True]


@pytest.mark.slow
def test_the_readme_names_every_permission_of_the_merged_manifest(
    rendered: Path, merged_manifest: Path
) -> None:
    asked = {
        element.attrib["{http://schemas.android.com/apk/res/android}name"]
        for element in ElementTree.parse(merged_manifest).iter("uses-permission")
    }
    readme = (rendered / "README.md").read_text("utf-8")
    assert asked == set(re.findall(r"`([\w.]+\.[A-Z_]{6,})`", readme))


@pytest.mark.slow
def test_missing_string_fails_the_compile(
    maven: Maven, rendered: Path, compiled: Path, tmp_path: Path
) -> None:
    names = resources(rendered)
    names["string"].remove("milliseconds")
    write_r_class(names, PACKAGE, tmp_path)
    with pytest.raises(pytest.fail.Exception, match="Unresolved reference 'milliseconds'"):
        maven("-pl", ":app", "-am", "compile", f"-Dr.sources={tmp_path}")


def test_every_resource_is_used() -> None:
    project = template_folder("android")
    files = [
        path for path in (project / "app" / "src").rglob("*") if path.suffix in (".kt", ".xml")
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    used = set(re.findall(r"\bR\.(\w+)\.(\w+)", text)) | {
        (kind, name.replace(".", "_")) for kind, name in re.findall(r'[">]@(\w+)/([\w.]+)', text)
    }
    declared = {(kind, name) for kind, names in resources(project).items() for name in names}
    assert used == declared
