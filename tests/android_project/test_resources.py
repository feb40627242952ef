"""Resources and manifests, compiled and linked by aapt2 against the Android framework."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from packager.android.project import AndroidProject, generate_project
from tests.android_project.aapt2 import ANDROID, Aapt2, merged
from tests.android_project.conftest import AWKWARD, save_model
from tests.android_project.test_template import HARD

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def aapt2(tmp_path_factory: pytest.TempPathFactory) -> Aapt2:
    return Aapt2.fetch(tmp_path_factory.mktemp("aapt2"))


@pytest.fixture(scope="module")
def apk(project: AndroidProject, aapt2: Aapt2, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("link")
    main = project.folder / "app" / "src" / "main"
    manifest = merged(main / "AndroidManifest.xml", work / "AndroidManifest.xml", project.app_id)
    return aapt2.link(main / "res", manifest, work)


def test_resources_and_manifest_link(apk: Path, aapt2: Aapt2, project: AndroidProject) -> None:
    badging = aapt2.run("dump", "badging", apk)
    assert f"package: name='{project.app_id}'" in badging
    assert f"launchable-activity: name='{project.package}.MainActivity'" in badging
    assert re.findall(r"uses-permission: name='(.*)'", badging) == ["android.permission.CAMERA"]
    # A permission implies a feature, and shops then hide the app from phones without it.
    assert "uses-implied-feature: name='android.hardware.camera" not in badging


def test_the_manifest_of_the_harness_links(
    aapt2: Aapt2, project: AndroidProject, tmp_path: Path
) -> None:
    test = project.folder / "benchmark" / "src" / "androidTest"
    package = f"{project.package}.benchmark"
    manifest = merged(test / "AndroidManifest.xml", tmp_path / "merged.xml", f"{package}.test")
    apk = aapt2.link_manifest(manifest, tmp_path)
    tree = aapt2.run("dump", "xmltree", "--file", "AndroidManifest.xml", apk)
    # Measured as an app that isn't debugged, by an activity that no other app can start.
    said = dict(re.findall(r"android:(\w+)\(0x[0-9a-f]+\)=\"?([\w.]+)", tree))
    assert (said["debuggable"], said["exported"]) == ("false", "false")
    assert said["name"] == f"{package}.ForegroundActivity"
    code = test.joinpath("kotlin", *package.split("."), "ForegroundActivity.kt")
    assert re.search(r"^class ForegroundActivity\b", code.read_text("utf-8"), re.MULTILINE)


def test_the_name_is_shown_as_it_was_given(apk: Path, aapt2: Aapt2) -> None:
    assert f'"{AWKWARD}"' in aapt2.run("dump", "resources", apk)


def test_any_text_comes_through_a_resource(aapt2: Aapt2, tmp_path: Path) -> None:
    """The escapes against aapt2 itself, not only against what its manual says."""
    from packager.android.template import android_string

    values = tmp_path / "res" / "values"
    values.mkdir(parents=True)
    strings = "".join(
        f'<string name="s{n}" translatable="false">{android_string(text)}</string>\n'
        for n, text in enumerate(HARD)
    )
    (values / "strings.xml").write_text(f"<resources>{strings}</resources>", "utf-8")
    manifest = tmp_path / "AndroidManifest.xml"
    manifest.write_text('<manifest package="a.b"><application/></manifest>')
    dump = aapt2.run("dump", "resources", aapt2.link(tmp_path / "res", manifest, tmp_path))
    dump = dump.replace("\n      ", "\n")  # it indents what follows a line feed
    for text in HARD:
        assert f'() "{text}"' in dump


@pytest.mark.parametrize("module", ["app", "benchmark", "classifier"])
def test_manifests_are_those_of_their_module(project: AndroidProject, module: str) -> None:
    """Gradle has the package, the SDK versions and the version of the app."""
    place = project.folder / module / "src" / "main" / "AndroidManifest.xml"
    if not place.exists():  # a library may do without
        assert module != "app"
        return
    root = ElementTree.parse(place).getroot()
    assert "package" not in root.attrib
    assert root.find("uses-sdk") is None
    assert f"{ANDROID}versionCode" not in root.attrib


def test_the_activity_of_the_manifest_is_in_the_code(tmp_path: Path) -> None:
    made = generate_project(
        save_model(tmp_path), tmp_path / "out", package="org.x.code", app_id="org.x.app"
    )
    root = ElementTree.parse(made.folder / "app/src/main/AndroidManifest.xml").getroot()
    names = [activity.attrib[f"{ANDROID}name"] for activity in root.iter("activity")]
    assert names == ["org.x.code.MainActivity"]
    code = made.folder / "app/src/main/kotlin/org/x/code/MainActivity.kt"
    assert re.search(r"^class MainActivity\b", code.read_text("utf-8"), re.MULTILINE)
