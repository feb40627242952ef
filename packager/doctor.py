"""Checks this machine: packager itself, and for Android a JDK, the SDK, adb, phones.

Where Gradle looks for the SDK: https://developer.android.com/tools/variables; the states of
`adb devices`: https://developer.android.com/tools/adb#devicestatus.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packager import __version__

JDK = 17
PLATFORM = "37.0"
_SECONDS = 20
_LIBRARIES = ("ai-edge-litert", "ai-edge-quantizer", "numpy", "pillow", "tensorflow", "keras")
_SDK_PARTS = ("platform-tools", "platforms", "cmdline-tools", "licenses", "build-tools")

_SYSTEM_STUDIOS = (
    Path("/opt/android-studio/jbr"),
    Path("/usr/local/android-studio/jbr"),
    Path("/snap/android-studio/current/jbr"),
    Path("/Applications/Android Studio.app/Contents/jbr/Contents/Home"),
)
_SYSTEM_SDKS = (Path("/usr/local/lib/android/sdk"), Path("/opt/android-sdk"))


@dataclass(frozen=True)
class Finding:
    """One thing that packager, an Android build or a benchmark needs.

    Attributes:
        detail: version and place, or the problem.
        fix: how to fix the problem; empty when it was found.
    """

    name: str
    found: bool
    detail: str
    fix: str = ""


def check_machine(
    environment: Mapping[str, str] | None = None, home: Path | None = None
) -> tuple[Finding, ...]:
    """Looks for everything, in the order in which it is needed. Installs and changes nothing,
    but asking adb for devices starts its server.

    Args:
        environment: by default this process's.
        home: by default the user's.
    """
    machine = _Machine(os.environ if environment is None else environment, home or Path.home())
    sdk, sdk_finding = _sdk(machine)
    adb, adb_finding = _adb(machine, sdk)
    return (
        _command(machine),
        _libraries(),
        _jdk(machine),
        sdk_finding,
        _licences(machine, sdk),
        _platform(machine, sdk),
        adb_finding,
        _devices(machine, adb),
    )


@dataclass(frozen=True)
class _Machine:
    environment: Mapping[str, str]
    home: Path

    def which(self, name: str) -> Path | None:
        found = shutil.which(name, path=self.environment.get("PATH", ""))
        return None if found is None else Path(found)

    def run(self, *command: str | Path) -> str | None:
        """What it prints on both channels; None when it can't be run or hangs or fails."""
        try:
            done = subprocess.run(
                [str(part) for part in command],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _command(machine: _Machine) -> Finding:
    """Whether the shell's `packager` is this one: another project of PyPI has one too."""
    name = "packager"
    this = f"{__version__}, Python {platform.python_version()}, {platform.platform()}"
    scripts = Path(sysconfig.get_path("scripts"))
    fix = f"Run tflite-packager, the same command; or put {_quoted(scripts)} first on the PATH."
    command = machine.which("packager")
    if command is None:
        return Finding(name, False, f"{this}; no packager on the PATH", fix)
    says = (machine.run(command, "--version") or "").strip()
    if says == f"packager {__version__}":
        return Finding(name, True, f"{this}, at {command}")
    version = re.fullmatch(r"packager (\d+(?:\.\w+)+)", says)
    if command.parent == scripts:
        fix = (
            "Run tflite-packager, the same command; or pip uninstall packager, then pip install "
            "--force-reinstall --no-deps tflite-packager."
        )
    other = f"is version {version[1]}" if version else "belongs to another project"
    return Finding(name, False, f"{this}; {command} {other}", fix)


def _libraries() -> Finding:
    versions = {name: _version(name) for name in _LIBRARIES}
    detail = ", ".join(f"{name} {version or 'not installed'}" for name, version in versions.items())
    if versions["ai-edge-litert"]:
        return Finding("libraries", True, detail)
    return Finding("libraries", False, detail, "pip install --force-reinstall tflite-packager")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _jdk(machine: _Machine) -> Finding:
    name = f"JDK {JDK} or newer"
    java_home = machine.environment.get("JAVA_HOME")
    if java_home:
        compiler = _tool(Path(java_home) / "bin", "javac")
        if compiler is None:
            return Finding(
                name, False, f"JAVA_HOME is {java_home}, but it contains no bin/javac",
                "Set JAVA_HOME to the folder of a JDK, or unset it.",
            )  # fmt: skip
    else:
        compiler = machine.which("javac")
    install = {
        "darwin": "brew install --cask temurin@17",
        "win32": "winget install EclipseAdoptium.Temurin.17.JDK",
    }.get(sys.platform, "sudo apt install openjdk-17-jdk-headless")
    if compiler is None:
        for place in _studios(machine):
            if _tool(place / "bin", "javac"):
                detail = f"only the one in Android Studio, {place}"
                return Finding(name, False, detail, _set("JAVA_HOME", place))
        return Finding(name, False, "no javac on the PATH, and JAVA_HOME isn't set", install)
    version = re.search(r"javac (?:1\.)?(\d+)[\d._]*", machine.run(compiler, "-version") or "")
    if version is None:
        return Finding(name, False, f"{compiler} doesn't run", install)
    if int(version[1]) < JDK:
        return Finding(name, False, f"{version[0]} at {compiler}", install)
    return Finding(name, True, f"{version[0]} at {compiler}")


def _studios(machine: _Machine) -> Sequence[Path]:
    """Where Android Studio keeps its own JDK."""
    return (
        machine.home / "android-studio" / "jbr",
        *_SYSTEM_STUDIOS,
        Path(machine.environment.get("PROGRAMFILES", "/nowhere"), "Android/Android Studio/jbr"),
    )


def _sdk(machine: _Machine) -> tuple[Path | None, Finding]:
    name = "Android SDK"
    for variable in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        value = machine.environment.get(variable)
        if not value:
            continue
        if _is_sdk(Path(value)):
            return Path(value), Finding(name, True, f"{value} ({variable})")
        return None, Finding(
            name, False, f"{variable} is {value}, which isn't the folder of an SDK",
            f"Set {variable} to the SDK's folder (Android Studio: Settings, Android SDK).",
        )  # fmt: skip
    places = (
        machine.home / "Android" / "Sdk",
        machine.home / "Library" / "Android" / "sdk",
        Path(machine.environment.get("LOCALAPPDATA", "/nowhere"), "Android", "Sdk"),
        *_SYSTEM_SDKS,
    )
    for place in places:
        if _is_sdk(place):
            # Gradle doesn't look there by itself.
            return place, Finding(
                name, False, f"in {place}, and ANDROID_HOME isn't set", _set("ANDROID_HOME", place)
            )
    return None, Finding(
        name, False, "not found, and ANDROID_HOME isn't set",
        "Install Android Studio, or only its command line tools: "
        "https://developer.android.com/studio#command-tools",
    )  # fmt: skip


def _is_sdk(folder: Path) -> bool:
    return any((folder / part).is_dir() for part in _SDK_PARTS)


def _licences(machine: _Machine, sdk: Path | None) -> Finding:
    name = "SDK licences agreed to"
    if sdk is None:
        return Finding(name, False, "there is no SDK", "Install the Android SDK first.")
    if (sdk / "licenses" / "android-sdk-license").is_file():
        return Finding(name, True, str(sdk / "licenses"))
    return Finding(
        name, False, "Gradle fetches the parts of the SDK that it needs only then",
        _sdkmanager(machine, sdk, "--licenses"),
    )  # fmt: skip


def _platform(machine: _Machine, sdk: Path | None) -> Finding:
    name = f"Android platform {PLATFORM}"
    if sdk is None:
        return Finding(name, False, "there is no SDK", "Install the Android SDK first.")
    if (sdk / "platforms" / f"android-{PLATFORM}" / "android.jar").is_file():
        return Finding(name, True, str(sdk / "platforms" / f"android-{PLATFORM}"))
    others = sorted(path.name for path in (sdk / "platforms").glob("android-*"))
    return Finding(
        name, False, f"the SDK has {', '.join(others) or 'no platform'}",
        _sdkmanager(machine, sdk, f'"platforms;android-{PLATFORM}"'),
    )  # fmt: skip


def _adb(machine: _Machine, sdk: Path | None) -> tuple[Path | None, Finding]:
    adb = (_tool(sdk / "platform-tools", "adb") if sdk else None) or machine.which("adb")
    if adb is None:
        fix = (
            _sdkmanager(machine, sdk, "platform-tools")
            if sdk or sys.platform != "linux"
            else "sudo apt install adb"
        )
        return None, Finding("adb", False, "neither in the SDK nor on the PATH", fix)
    version = re.search(r"^Version (\S+)", machine.run(adb, "version") or "", re.MULTILINE)
    if version is None:
        return None, Finding("adb", False, f"{adb} doesn't run", "Install platform-tools again.")
    return adb, Finding("adb", True, f"{version[1]} at {adb}")


def _devices(machine: _Machine, adb: Path | None) -> Finding:
    name = "phone or emulator"
    if adb is None:
        return Finding(name, False, "adb is needed to see one", "Install adb first.")
    listing = machine.run(adb, "devices", "-l")
    if listing is None:
        return Finding(
            name, False, "adb's server doesn't answer", "Run adb kill-server, then this again."
        )
    rows = listing.partition("List of devices attached")[2]  # before: the server's own words
    devices = re.findall(r"^(\S+)[ \t]+(no permissions|\w+)\b(.*)$", rows, re.MULTILINE)
    ready = [_title(serial, rest) for serial, state, rest in devices if state == "device"]
    if ready:
        return Finding(name, True, ", ".join(ready))
    states = {state for _, state, _ in devices}
    if "unauthorized" in states:
        fix = "Unlock the phone and agree to 'Allow USB debugging'."
    elif "no permissions" in states:
        fix = "Run sudo apt install android-sdk-platform-tools-common, and plug the phone in again."
    elif devices:
        fix = "Unplug the phone and plug it in again."
    else:
        fix = "Connect a phone with USB debugging on (Settings, Developer options), or start one."
    seen = ", ".join(f"{serial} is {state}" for serial, state, _ in devices)
    return Finding(name, False, seen or "none is attached", fix)


def _title(serial: str, rest: str) -> str:
    model = re.search(r"model:(\S+)", rest)
    return f"{model[1].replace('_', ' ')} ({serial})" if model else serial


def _tool(folder: Path, name: str) -> Path | None:
    for candidate in (folder / name, folder / f"{name}.exe"):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    return None


def _sdkmanager(machine: _Machine, sdk: Path | None, argument: str) -> str:
    """The command that installs a part of the SDK."""
    script = "sdkmanager.bat" if sys.platform == "win32" else "sdkmanager"
    inside = sdk / "cmdline-tools" / "latest" / "bin" / script if sdk else None
    if inside is not None and inside.is_file():
        return f"{_quoted(inside)} {argument}"
    if machine.which(script):
        return f"{script} {argument}" + (f" --sdk_root={_quoted(sdk)}" if sdk else "")
    part = argument.strip('"')
    return (
        "Open Android Studio once and agree to its licences."
        if part == "--licenses"
        else f"In Android Studio: Tools, SDK Manager, then install {part}."
    )


def _set(variable: str, place: Path) -> str:
    return (
        f'setx {variable} "{place}"'
        if sys.platform == "win32"
        else f"export {variable}={_quoted(place)}"
    )


def _quoted(path: Path) -> str:
    text = str(path)
    return f'"{text}"' if re.search(r"[^\w@%+=:,./\\-]", text) else text
