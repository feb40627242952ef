"""aapt2 and Android's framework resources, from apktool's library on Maven Central."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from tests.conftest import need

APKTOOL = "org.apktool:apktool-lib:3.0.3"
TOOLS = "{http://schemas.android.com/tools}"
ANDROID = "{http://schemas.android.com/apk/res/android}"


class Aapt2:
    def __init__(self, program: Path, framework: Path) -> None:
        self.program, self.framework = program, framework

    @classmethod
    def fetch(cls, folder: Path) -> Aapt2:
        need(shutil.which("mvn") is not None, "mvn")
        fetched = subprocess.run(
            ["mvn", "-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
             f"-Dartifact={APKTOOL}", f"-DoutputDirectory={folder}"],
            capture_output=True, text=True, timeout=600, cwd=folder,
        )  # fmt: skip
        assert fetched.returncode == 0, fetched.stdout[-2000:]
        system = {"linux": "linux", "darwin": "macosx"}.get(sys.platform)
        need(system is not None, "an aapt2 for this system")
        with zipfile.ZipFile(next(folder.glob("*.jar"))) as jar:
            program = Path(jar.extract(f"prebuilt/{system}/aapt2", folder))
            framework = Path(jar.extract("prebuilt/android-framework.jar", folder))
        program.chmod(0o755)
        return cls(program, framework)

    def run(self, *arguments: str | Path) -> str:
        done = subprocess.run(
            [str(part) for part in (self.program, *arguments)], capture_output=True, timeout=120
        )
        said = done.stderr.decode()
        assert done.returncode == 0, said
        assert "warn:" not in said, said
        return done.stdout.decode()

    def compile(self, resources: Path, compiled: Path) -> Path:
        self.run("compile", "--dir", resources, "-o", compiled)
        return compiled

    def link(self, resources: Path, manifest: Path, work: Path) -> Path:
        return self.link_manifest(manifest, work, self.compile(resources, work / "compiled.zip"))

    def link_manifest(self, manifest: Path, work: Path, *arguments: str | Path) -> Path:
        self.run(
            "link", "-I", self.framework, "--manifest", manifest, "-o", work / "app.apk",
            "--min-sdk-version", "24", "--target-sdk-version", "36", "--no-auto-version",
            *arguments,
        )  # fmt: skip
        return work / "app.apk"


def merged(source: Path, target: Path, package: str) -> Path:
    """The manifest as Gradle merges it: with the package, without what tools:node removes."""
    for prefix, name in (("android", ANDROID), ("tools", TOOLS)):
        ElementTree.register_namespace(prefix, name.strip("{}"))
    text = source.read_text("utf-8").replace("${applicationId}", package)
    root = ElementTree.fromstring(text)
    root.set("package", package)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get(f"{TOOLS}node") == "remove":
                parent.remove(child)
    target.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
    return target
