"""The Gradle frame: modules, version catalog, wrapper settings, workflow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packager.android.project import AndroidProject

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 reads TOML")


@pytest.fixture(scope="module")
def folder(project: AndroidProject) -> Path:
    return project.folder


def scripts(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*.kts")
    }


def test_modules_are_those_that_have_a_build_script(folder: Path) -> None:
    included = re.findall(r'":(\w+)"', scripts(folder)["settings.gradle.kts"])
    present = {path.parent.name for path in folder.glob("*/build.gradle.kts")}
    assert included == sorted(present) == ["app", "benchmark", "classifier", "core"]
    used = {
        name for text in scripts(folder).values() for name in re.findall(r'project\(":(\w+)"', text)
    }
    assert used <= present


def test_every_alias_exists_and_is_used(folder: Path) -> None:
    catalog = tomllib.loads((folder / "gradle" / "libs.versions.toml").read_text("utf-8"))
    defined = {accessor(name) for name in catalog["libraries"]}
    defined |= {"plugins." + accessor(name) for name in catalog["plugins"]}
    used = {
        name
        for text in scripts(folder).values()
        for name in re.findall(r"\blibs\.([\w.]*\w)", text)
    }
    assert used == defined


def test_every_version_exists_and_is_used(folder: Path) -> None:
    catalog = tomllib.loads((folder / "gradle" / "libs.versions.toml").read_text("utf-8"))
    entries = [*catalog["libraries"].values(), *catalog["plugins"].values()]
    assert {entry["version"]["ref"] for entry in entries if "version" in entry} == set(
        catalog["versions"]
    )
    for version in catalog["versions"].values():
        assert re.fullmatch(r"\d+(\.\d+)+", version)  # pinned, and no preview
    bare = [entry["module"] for entry in entries if "version" not in entry]
    assert all(module.startswith("androidx.compose.") for module in bare)  # the BOM's


def test_every_plugin_is_declared_at_the_root(folder: Path) -> None:
    """Else two modules load it twice, and the Android plugin can't see the Kotlin one."""
    texts = scripts(folder)
    root = set(
        re.findall(r"alias\(libs\.plugins\.([\w.]+)\) apply false", texts["build.gradle.kts"])
    )
    applied = {
        name
        for text in texts.values()
        for name in re.findall(r"alias\(libs\.plugins\.([\w.]+)\)(?! apply)", text)
    }
    assert applied == root


def test_all_modules_agree_on_android_and_java(folder: Path) -> None:
    android = {name: text for name, text in scripts(folder).items() if "compileSdk" in text}
    assert len(android) == 3
    for name, text in android.items():
        assert re.findall(r"compileSdk = (\d+)", text) == ["37"], name
        assert set(re.findall(r"targetSdk = (\d+)", text)) <= {"36"}, name
        assert re.findall(r"minSdk = (\d+)", text) == ["24"], name
    assert "kotlin.android" not in "".join(scripts(folder).values())  # it's built in


def test_litert_comes_without_what_fetches_models(folder: Path) -> None:
    """Else the app gets WorkManager with three permissions, a provider and a service."""
    text = scripts(folder)["classifier/build.gradle.kts"]
    assert re.findall(r"\(libs\.litert[\w.]*\)(.*)", text) == [" { withoutDelivery() }"] * 2
    left_out = re.findall(r'exclude\(group = "([\w.]+)"(?:, module = "([\w-]+)")?\)', text)
    assert {"com.google.android.play", "androidx.work"} <= {group for group, _ in left_out}
    # CameraX needs listenablefuture, of the same group.
    assert ("com.google.guava", "guava") in left_out


def test_shrinking_keeps_what_litert_finds_by_name(folder: Path) -> None:
    """The classes are those that litert/kotlin/src/main/jni of LiteRT looks up."""
    rules = (folder / "classifier" / "consumer-rules.pro").read_text("utf-8")
    kept = re.findall(r"^-keep class com\.google\.ai\.edge\.litert\.([\w$]+) ", rules, re.M)
    assert kept == [
        "LiteRtException", "TensorBufferRequirements", "TensorType", "TensorType$ElementType",
        "TensorType$Layout",
    ]  # fmt: skip


def test_the_distribution_is_pinned(folder: Path) -> None:
    text = (folder / "gradle" / "wrapper" / "gradle-wrapper.properties").read_text("utf-8")
    values = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert values["distributionUrl"].startswith("https\\://services.gradle.org/distributions/")
    assert re.fullmatch("[0-9a-f]{64}", values["distributionSha256Sum"])
    assert not list(folder.rglob("*.jar"))


def test_line_ends_are_those_that_each_system_runs(folder: Path) -> None:
    assert b"\r" not in (folder / "gradlew").read_bytes()
    batch = (folder / "gradlew.bat").read_bytes()
    assert batch.count(b"\n") == batch.count(b"\r\n") > 10
    attributes = (folder / ".gitattributes").read_text("utf-8")
    # The contract holds the digest of labels.txt: git must not change its line ends.
    assert "app/src/main/assets/** -text" in attributes


def test_the_workflow_runs_tasks_that_exist(folder: Path) -> None:
    workflow = (folder / ".github" / "workflows" / "android.yml").read_text("utf-8")
    tasks = set(" ".join(re.findall(r"run: \./gradlew (.+)", workflow)).split())
    own = set(re.findall(r'register(?:<\w+>)?\("(\w+)"', scripts(folder)["build.gradle.kts"]))
    plugin = {"test", "lint", "assembleDebug", "assembleRelease", "assembleAndroidTest"}
    assert tasks == own | plugin


def accessor(alias: str) -> str:
    return re.sub("[-_]", ".", alias)
