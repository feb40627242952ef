"""Tells which versions in the generated project's catalog have a newer stable one.

    python -m tests.android.newer_versions

Maven looks at Maven Central alone: it knows of nothing newer for CameraX and LiteRT, which only
Google's repository has. Gradle itself is in neither. A newer one can be taken when the gate
(`tests/android`) passes with it; it also finds a library that asks for a newer Android API or
Android Gradle plugin than the project has.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from packager.android.template import template_folder

CATALOG = template_folder("android") / "gradle" / "libs.versions.toml"
PLUGIN = "org.codehaus.mojo:versions-maven-plugin:2.18.0:display-dependency-updates"
PREVIEWS = r"(?i).*[.-](alpha|beta|dev|eap|m|rc|snapshot)[.\-\d]*"


@dataclass(frozen=True)
class Library:
    """An entry of the catalog; `newest` is None where Maven Central has no newer stable one."""

    module: str
    version: str
    newest: str | None = None


def libraries(catalog: str) -> list[Library]:
    """Those that the catalog gives a version of their own, in its order."""
    versions = dict(re.findall(r'^([\w-]+) = "([\d.]+)"$', catalog, re.M))
    entries = re.findall(r'module = "([\w.:-]+)", version\.ref = "([\w-]+)"', catalog)
    entries.append(("com.android.tools.build:gradle", "agp"))
    return [Library(module, versions[name]) for module, name in entries]


def with_newest(known: list[Library]) -> list[Library]:
    """Asks Maven."""
    maven = shutil.which("mvn")
    if maven is None:
        sys.exit("error: mvn isn't on the PATH. Install Maven.")
    managed = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId>".format(
            *library.module.split(":")
        )
        + f"<version>{library.version}</version></dependency>"
        for library in known
    )
    with tempfile.TemporaryDirectory() as folder:
        pom = Path(folder, "pom.xml")
        pom.write_text(
            "<project><modelVersion>4.0.0</modelVersion><groupId>packager.gate</groupId>"
            "<artifactId>versions</artifactId><version>1</version><dependencyManagement>"
            f"<dependencies>{managed}</dependencies></dependencyManagement></project>"
        )
        done = subprocess.run(
            [
                maven, "-B", "-ntp", "-Dstyle.color=never", "-f", str(pom), PLUGIN,
                f"-Dmaven.version.ignore={PREVIEWS}", "-Dversions.outputLineWidth=200",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        sys.exit(f"error: Maven could not tell.\n{done.stdout[-2000:]}{done.stderr[-1000:]}")
    return [Library(each.module, each.version, newest(each.module, done.stdout)) for each in known]


def newest(module: str, printed: str) -> str | None:
    found = re.search(rf"{re.escape(module)} \.+\s+(?:\[INFO\]\s+)?\S+ -> (\S+)", printed)
    return found[1] if found else None


if __name__ == "__main__":
    for library in with_newest(libraries(CATALOG.read_text("utf-8"))):
        arrow = f" -> {library.newest}" if library.newest else ""
        print(f"{library.module:60} {library.version}{arrow}")
