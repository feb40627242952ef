"""Gradle finds one variant of each library that `./gradlew ktlint` needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from packager.android.template import template_folder
from tests.android.conftest import MAVEN_DEPENDENCY, Maven, dependencies, write_pom
from tests.android_project.gradle_variants import BUNDLING, CATEGORY, ENVIRONMENT, USAGE, chosen

BUILD = template_folder("android") / "build.gradle.kts"
CATALOG = template_folder("android") / "gradle" / "libs.versions.toml"
# Stands in the pom.xml of those that have Gradle's metadata too.
PUBLISHED = "published-with-gradle-metadata"
KEYS = {
    "Usage.USAGE_ATTRIBUTE": USAGE,
    "Category.CATEGORY_ATTRIBUTE": CATEGORY,
    "Bundling.BUNDLING_ATTRIBUTE": BUNDLING,
    "TargetJvmEnvironment.TARGET_JVM_ENVIRONMENT_ATTRIBUTE": ENVIRONMENT,
}

Module = dict[str, Any]


def asked() -> dict[str, str]:
    """The attributes that the build script asks for."""
    text = re.sub(r"\s+", " ", BUILD.read_text("utf-8"))
    pairs = re.findall(r"attribute\( ?([\w.]+), objects\.named<\w+>\(\w+\.(\w+)\),? ?\)", text)
    return {KEYS[key]: value.lower().replace("_", "-") for key, value in pairs}


@pytest.fixture(scope="module")
def modules(maven: Maven, tmp_path_factory: pytest.TempPathFactory) -> list[Module]:
    """Gradle's metadata of ktlint and all that it needs, as Maven Central has it."""
    folder = tmp_path_factory.mktemp("ktlint-modules")
    version = re.search('^ktlint = "(.+)"$', CATALOG.read_text(), re.M)
    assert version is not None
    ktlint = dependencies(f"com.pinterest.ktlint:ktlint-cli:{version[1]}")
    printed = maven(
        f"{MAVEN_DEPENDENCY}:list",
        "-DoutputAbsoluteArtifactFilename=true",
        pom=write_pom(folder, ktlint),
    )
    found = re.findall(r"^\[INFO\]\s+([\w.-]+):([\w.-]+):jar:([\w.-]+):\w+:(/\S+)", printed, re.M)
    items = "".join(
        f"<artifactItem><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version><type>module</type></artifactItem>"
        for group, name, version, jar in found
        if PUBLISHED in Path(jar).with_suffix(".pom").read_text("utf-8")
    )
    maven(
        f"{MAVEN_DEPENDENCY}:copy", f"-DoutputDirectory={folder / 'modules'}",
        pom=write_pom(folder, "<build><plugins><plugin><groupId>org.apache.maven.plugins</groupId>"
        "<artifactId>maven-dependency-plugin</artifactId><configuration><artifactItems>"
        f"{items}</artifactItems></configuration></plugin></plugins></build>"),
    )  # fmt: skip
    return [json.loads(path.read_text()) for path in sorted((folder / "modules").iterdir())]


def variants_left(
    module: Module, requested: dict[str, str], *, jvm_ecosystem: bool
) -> list[Module]:
    by_name = {
        variant["name"]: variant
        for variant in module["variants"]
        if all(
            each["name"] == module["component"]["module"]
            for each in variant.get("capabilities", ())
        )
    }
    attributes = {name: variant["attributes"] for name, variant in by_name.items()}
    return [by_name[name] for name in chosen(attributes, requested, jvm_ecosystem=jvm_ecosystem)]


@pytest.mark.slow
def test_each_library_has_one_variant_for_the_jvm(modules: list[Module]) -> None:
    assert len(modules) > 20
    assert set(asked()) == set(KEYS.values())
    assert re.search(r"^    `jvm-ecosystem`$", BUILD.read_text("utf-8"), re.M)
    for module in modules:
        left = variants_left(module, asked(), jvm_ecosystem=True)
        assert len(left) == 1, (module["component"], [each["name"] for each in left])
        assert left[0]["attributes"][USAGE] == "java-runtime"
        assert all(file["url"].endswith(".jar") for file in left[0].get("files", ()))


@pytest.mark.slow
def test_without_the_plugin_and_the_attributes_there_are_several(modules: list[Module]) -> None:
    bundling = {BUNDLING: "external"}
    several = {
        module["component"]["module"]
        for module in modules
        if len(variants_left(module, bundling, jvm_ecosystem=False)) > 1
    }
    assert "kotlin-stdlib" in several
