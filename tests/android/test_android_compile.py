"""The Kotlin of the Android modules compiles against Android 16 and AndroidX, without a warning.

What of it needs no phone is tested.
"""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

from packager.android.template import template_folder
from tests.android.conftest import (
    GATE,
    MAVEN_DEPENDENCY,
    PACKAGE,
    Maven,
    dependencies,
    write_pom,
)

MODULES = {"classifier": ("main",), "benchmark": ("main", "androidTest"), "app": ("main",)}
# What Maven needs to know so that only these tests run, and :core is compiled for them.
TESTS = (
    "-Dtest=TfliteTensors*Test,CameraFaultTest,*ViewModelTest",
    "-Dsurefire.failIfNoSpecifiedTests=false",
)
# What litert-api's manifest asks for; Maven Central doesn't have its archive:
# litert/kotlin/src/main/AndroidManifest.xml of github.com/google-ai-edge/LiteRT.
LITERT = """\
<manifest xmlns:android="http://schemas.android.com/apk/res/android"
    package="com.google.ai.edge.litert">
  <uses-sdk android:minSdkVersion="24" />
  <uses-permission android:name="android.permission.FOREGROUND_SERVICE" />
  <uses-permission android:name="android.permission.FOREGROUND_SERVICE_DATA_SYNC" />
</manifest>
"""
AAR_METADATA = "META-INF/com/android/build/gradle/aar-metadata.properties"
RESOURCES = Path("app", "src", "main", "res")


def resources(project: Path) -> dict[str, set[str]]:
    """The names of the app's resources, by kind, as they stand in its R class."""
    names: dict[str, set[str]] = defaultdict(set)
    for path in sorted((project / RESOURCES).rglob("*.xml")):
        kind = path.parent.name.partition("-")[0]
        if kind == "values":
            for element in ElementTree.parse(path).getroot():
                names[element.tag].add(element.attrib["name"].replace(".", "_"))
        else:
            names[kind].add(path.stem)
    return names


def write_r_class(names: dict[str, set[str]], folder: Path) -> None:
    kinds = "".join(
        f"    public static final class {kind} {{\n"
        + "".join(
            f"        public static final int {name} = {number};\n"
            for number, name in enumerate(sorted(names[kind]), 1)
        )
        + "    }\n"
        for kind in sorted(names)
    )
    place = folder.joinpath(*PACKAGE.split("."), "R.java")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"package {PACKAGE};\n\npublic final class R {{\n{kinds}}}\n")


def suites_of(module: Path) -> dict[str, int]:
    """How many of each class; Maven has failed when one of them did."""
    suites = [
        ElementTree.parse(report).getroot().attrib
        for report in (module / "surefire-reports").glob("TEST-*.xml")
    ]
    assert all(suite["skipped"] == "0" for suite in suites)
    return {suite["name"].rpartition(".")[2]: int(suite["tests"]) for suite in suites}


@pytest.fixture(scope="module")
def compiled(maven: Maven, rendered: Path, flower_models: list[Path]) -> Path:
    """Where the classes of each module are after one Maven run."""
    gate = rendered.parent / "gate"
    write_r_class(resources(rendered), gate / "r")
    models = os.pathsep.join(map(str, flower_models))
    maven("-pl", ":app,:benchmark", "-am", "test", f"-Dmodels={models}", *TESTS)
    return gate


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


@pytest.fixture(scope="module")
def merger(maven: Maven, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the jars of the manifest merger that the Android Gradle plugin uses."""
    folder = tmp_path_factory.mktemp("manifest-merger")
    catalog = (template_folder("android") / "gradle" / "libs.versions.toml").read_text("utf-8")
    major, _, rest = catalog.partition('agp = "')[2].partition('"')[0].partition(".")
    library = f"com.android.tools.build:manifest-merger:{int(major) + 23}.{rest}"
    maven(
        f"{MAVEN_DEPENDENCY}:copy-dependencies", f"-DoutputDirectory={folder / 'jars'}",
        pom=write_pom(folder, dependencies(library)),
    )  # fmt: skip
    return folder / "jars"


@pytest.mark.slow
def test_the_readme_names_every_permission_of_the_merged_manifest(
    java: str, merger: Path, rendered: Path, compiled: Path, tmp_path: Path
) -> None:
    libraries = [tmp_path / "litert.xml"]
    libraries[0].write_text(LITERT)
    for archive in sorted((compiled / "androidx" / "archives").glob("*.aar")):
        with zipfile.ZipFile(archive) as content:
            manifest = content.read("AndroidManifest.xml").decode()
        if 'package="androidx.test' not in manifest:  # those come into no app
            libraries.append(tmp_path / f"{archive.stem}.xml")
            libraries[-1].write_text(manifest)
    assert len(libraries) > 20
    source = (rendered / "app" / "src" / "main" / "AndroidManifest.xml").read_text("utf-8")
    main, merged = tmp_path / "app.xml", tmp_path / "merged.xml"
    main.write_text(source.replace("<manifest ", f'<manifest package="{PACKAGE}" ', 1))
    done = subprocess.run(
        [
            java, "-cp", f"{merger}/*", "com.android.manifmerger.Merger", "--main", str(main),
            "--libs", os.pathsep.join(map(str, libraries)), "--out", str(merged),
            "--placeholder", f"applicationId={PACKAGE}", "--property", "MIN_SDK_VERSION=24",
            "--property", "TARGET_SDK_VERSION=36", "--remove-tools-declarations",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert merged.is_file(), done.stdout + done.stderr
    asked = {
        element.attrib["{http://schemas.android.com/apk/res/android}name"]
        for element in ElementTree.parse(merged).iter("uses-permission")
    }
    readme = (rendered / "README.md").read_text("utf-8")
    assert asked == set(re.findall(r"`([\w.]+\.[A-Z_]{6,})`", readme))


@pytest.mark.slow
def test_missing_string_fails_the_compile(
    maven: Maven, rendered: Path, compiled: Path, tmp_path: Path
) -> None:
    names = resources(rendered)
    names["string"].remove("milliseconds")
    write_r_class(names, tmp_path)
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
