"""What Android's build makes of an app's manifest and resources: merged, linked, R classes."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from tests.android_project.aapt2 import Aapt2

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
_RESOURCES = Path("app", "src", "main", "res")
# Where Robolectric looks for what a build system says of the app.
_CONFIG = Path("com", "android", "tools", "test_config.properties")


def merge_manifests(
    project: Path, package: str, archives: Sequence[Path], java: str, merger: Path, work: Path
) -> Path:
    """The app's manifest with those of its libraries, as Android's own merger makes it.

    `merger` is a folder with its jars; `work` gets what it reads and writes.
    """
    libraries = [work / "litert.xml"]
    libraries[0].write_text(LITERT)
    for archive in archives:
        with zipfile.ZipFile(archive) as content:
            manifest = content.read("AndroidManifest.xml").decode()
        if 'package="androidx.test' not in manifest:  # those come into no app
            libraries.append(work / f"{archive.stem}.xml")
            libraries[-1].write_text(manifest)
    assert len(libraries) > 20
    source = (project / "app" / "src" / "main" / "AndroidManifest.xml").read_text("utf-8")
    main, merged = work / "app.xml", work / "merged.xml"
    main.write_text(source.replace("<manifest ", f'<manifest package="{package}" ', 1))
    done = subprocess.run(
        [
            java, "-cp", f"{merger}/*", "com.android.manifmerger.Merger", "--main", str(main),
            "--libs", os.pathsep.join(map(str, libraries)), "--out", str(merged),
            "--placeholder", f"applicationId={package}", "--property", "MIN_SDK_VERSION=24",
            "--property", "TARGET_SDK_VERSION=36", "--remove-tools-declarations",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert merged.is_file(), done.stdout + done.stderr
    return merged


def resources(project: Path) -> dict[str, set[str]]:
    """The names of the app's resources, by kind, as they stand in its R class."""
    names: dict[str, set[str]] = defaultdict(set)
    for path in sorted((project / _RESOURCES).rglob("*.xml")):
        kind = path.parent.name.partition("-")[0]
        if kind == "values":
            for element in ElementTree.parse(path).getroot():
                names[element.tag].add(element.attrib["name"].replace(".", "_"))
        else:
            names[kind].add(path.stem)
    return names


def write_r_class(names: Mapping[str, set[str]], package: str, folder: Path) -> None:
    """R.java to compile against; the numbers aren't constants, and those of aapt2 are run with."""
    kinds = "".join(
        f"    public static final class {kind} {{\n"
        + "".join(
            f"        public static int {name} = {number};\n"
            for number, name in enumerate(sorted(names[kind]), 1)
        )
        + "    }\n"
        for kind in sorted(names)
    )
    place = folder.joinpath(*package.split("."), "R.java")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"package {package};\n\npublic final class R {{\n{kinds}}}\n")


def link_app(
    project: Path, package: str, manifest: Path, archives: Sequence[Path], aapt2: Aapt2, out: Path
) -> None:
    """Writes into `out`: resources.apk with the assets, java/ (R of each package), config/.

    `manifest` is the merged one, `archives` are the Android archives (.aar) of the libraries.
    """
    main = project / "app" / "src" / "main"
    compiled, packages = [], set()
    for archive in archives:
        folder = out / "archives" / archive.stem
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder)
        packages.add(ElementTree.parse(folder / "AndroidManifest.xml").getroot().attrib["package"])
        if any((folder / "res").rglob("*.xml")):
            compiled.append(aapt2.compile(folder / "res", folder / "compiled.zip"))
    compiled.append(aapt2.compile(main / "res", out / "compiled.zip"))
    aapt2.link_manifest(
        manifest, out, "--auto-add-overlay", "--non-final-ids", "--java", out / "java",
        "--extra-packages", ":".join(sorted(packages)), "-0", "tflite", "-A", main / "assets",
        *[argument for each in compiled for argument in ("-R", each)],
    )  # fmt: skip
    shutil.move(out / "app.apk", out / "resources.apk")
    config = out / "config" / _CONFIG
    config.parent.mkdir(parents=True)
    config.write_text(
        f"android_merged_manifest={manifest}\n"
        f"android_resource_apk={out / 'resources.apk'}\n"
        f"android_merged_assets={main / 'assets'}\n"
        f"android_custom_package={package}\n"
    )


def pack_assets(assets: Path, archive: Path) -> None:
    """Assets as they lie in an app: uncompressed, so that a model can be mapped."""
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(assets.rglob("*")):
            if path.is_file():
                target.write(path, f"assets/{path.relative_to(assets).as_posix()}")
