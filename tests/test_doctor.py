from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from packager import __version__, doctor
from packager.doctor import Finding, check_machine

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the fake programs are shell scripts"
)


class Machine:
    """A home, a PATH and an environment with nothing in them."""

    def __init__(self, folder: Path) -> None:
        self.home, self.path = folder / "home", folder / "bin"
        self.path.mkdir(parents=True)
        self.home.mkdir()
        self.environment = {"PATH": str(self.path)}
        self.program("packager", f"packager {__version__}")

    def program(self, path: Path | str, says: str = "", code: int = 0) -> Path:
        """One that answers any question with `says`."""
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        # Only builtins: there is no cat on this PATH.
        place.write_text(f"#!/bin/sh\nprintf '%s' '{says}'\nexit {code}\n")
        place.chmod(0o755)
        return place

    def sdk(self, *parts: str, place: str = "sdk") -> Path:
        folder = self.home / place
        (folder / "platform-tools").mkdir(parents=True)
        for part in parts:
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            (folder / part).write_text("")
        return folder

    def find(self, name: str) -> Finding:
        found = check_machine(self.environment, self.home)
        return next(finding for finding in found if name in finding.name)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(doctor, "_SYSTEM_SDKS", ())
    monkeypatch.setattr(doctor, "_SYSTEM_STUDIOS", ())
    monkeypatch.setattr(sys, "platform", "linux")
    return Machine(tmp_path)


ADB = "Android Debug Bridge version 1.0.41\nVersion 35.0.2-12147458\nInstalled as adb\n"


def devices(*rows: str) -> str:
    return (
        "* daemon not running; starting now at tcp:5037\n* daemon started successfully\n"
        "List of devices attached\n" + "".join(f"{row}\n" for row in rows) + "\n"
    )


def test_a_bare_machine_is_told_one_thing_to_do_for_each(machine: Machine) -> None:
    findings = check_machine(machine.environment, machine.home)
    assert [(f.name, f.found) for f in findings] == [
        ("packager", True),
        ("libraries", True),
        ("JDK 17 or newer", False),
        ("Android SDK", False),
        ("SDK licences agreed to", False),
        ("Android platform 37.0", False),
        ("adb", False),
        ("phone or emulator", False),
    ]
    findings = findings[2:]
    assert all(f.fix and f.detail for f in findings)
    assert findings[0].fix == "sudo apt install openjdk-17-jdk-headless"
    assert findings[4].fix == "sudo apt install adb"


def test_a_complete_machine_has_nothing_to_do(machine: Machine) -> None:
    sdk = machine.sdk("licenses/android-sdk-license", "platforms/android-37.0/android.jar")
    machine.environment["ANDROID_HOME"] = str(sdk)
    machine.program("javac", "javac 21.0.4")
    machine.program(
        sdk / "platform-tools" / "adb",
        ADB + devices("1A2B device usb:1-1 product:p model:Pixel_8 device:shiba transport_id:1"),
    )
    findings = check_machine(machine.environment, machine.home)
    assert all(f.found and not f.fix for f in findings), findings
    findings = findings[2:]
    assert findings[0].detail == f"javac 21.0.4 at {machine.path / 'javac'}"
    assert findings[1].detail == f"{sdk} (ANDROID_HOME)"
    assert findings[4].detail == f"35.0.2-12147458 at {sdk / 'platform-tools' / 'adb'}"
    assert findings[5].detail == "Pixel 8 (1A2B)"


def test_the_first_findings_have_what_an_issue_needs(machine: Machine) -> None:
    python = ".".join(map(str, sys.version_info[:3]))
    assert f"{__version__}, Python {python}, " in machine.find("packager").detail
    assert f"numpy {np.__version__}" in machine.find("libraries").detail


@pytest.mark.parametrize(
    ("says", "detail"),
    [("packager 0.0.9", "is version 0.0.9"), ("packager, version 0.2.0", "belongs to another"),
     ("usage: packager [-h]", "belongs to another"), (None, "no packager on the PATH")],
)  # fmt: skip
def test_a_packager_of_another_project_is_told(
    machine: Machine, says: str | None, detail: str
) -> None:
    command = machine.path / "packager"
    command.unlink() if says is None else machine.program("packager", says)
    finding = machine.find("packager")
    assert not finding.found
    assert detail in finding.detail
    assert says is None or str(command) in finding.detail
    assert "Run tflite-packager" in finding.fix


def test_one_that_took_the_place_of_ours_is_uninstalled(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(machine.path))
    machine.program("packager", "usage: packager")
    assert "pip uninstall packager" in machine.find("packager").fix


@pytest.mark.parametrize(
    ("says", "found"),
    [("javac 17.0.15", True), ("javac 26-ea", True), ("javac 11.0.2", False),
     ("javac 1.8.0_402", False), ("Killed", False)],
)  # fmt: skip
def test_the_jdks_version_counts(machine: Machine, says: str, found: bool) -> None:
    machine.program("javac", says)
    assert machine.find("JDK").found is found


def test_java_home_comes_before_the_path(machine: Machine) -> None:
    machine.program("javac", "javac 17")
    machine.environment["JAVA_HOME"] = str(machine.home / "jdk")
    assert "no bin/javac" in machine.find("JDK").detail
    compiler = machine.program(machine.home / "jdk" / "bin" / "javac", "javac 21")
    assert machine.find("JDK").detail == f"javac 21 at {compiler}"


def test_the_jdk_inside_android_studio_only_needs_to_be_named(machine: Machine) -> None:
    jbr = machine.home / "android-studio" / "jbr"
    machine.program(jbr / "bin" / "javac", "javac 21")
    assert machine.find("JDK").fix == f"export JAVA_HOME={jbr}"


def test_an_sdk_in_its_usual_place_only_needs_to_be_named(machine: Machine) -> None:
    sdk = machine.sdk("platforms/android-37.0/android.jar", place="Android/Sdk")
    finding = machine.find("Android SDK")
    assert (finding.found, finding.fix) == (False, f"export ANDROID_HOME={sdk}")
    assert machine.find("platform 37.0").found


def test_a_variable_that_leads_nowhere_is_named(machine: Machine) -> None:
    machine.sdk(place="Android/Sdk")
    machine.environment["ANDROID_SDK_ROOT"] = "/nowhere"
    finding = machine.find("Android SDK")
    assert not finding.found
    assert finding.detail == "ANDROID_SDK_ROOT is /nowhere, which isn't the folder of an SDK"


def test_what_the_sdk_lacks_is_fetched_by_its_own_manager(machine: Machine) -> None:
    sdk = machine.sdk(
        "platforms/android-34/android.jar", "cmdline-tools/latest/bin/sdkmanager", place="my sdk"
    )
    machine.environment["ANDROID_HOME"] = str(sdk)
    manager = f'"{sdk}/cmdline-tools/latest/bin/sdkmanager"'
    platform = machine.find("platform 37.0")
    assert platform.detail == "the SDK has android-34"
    assert platform.fix == f'{manager} "platforms;android-37.0"'
    assert machine.find("licences").fix == f"{manager} --licenses"
    assert machine.find("adb").fix == f"{manager} platform-tools"


def test_adb_may_come_from_the_path(machine: Machine) -> None:
    adb = machine.program("adb", ADB + devices("emulator-5554 device product:sdk"))
    assert machine.find("adb").detail == f"35.0.2-12147458 at {adb}"
    assert machine.find("phone").detail == "emulator-5554"


@pytest.mark.parametrize(
    ("rows", "detail", "fix"),
    [
        ((), "none is attached", "Connect a phone"),
        (("1A unauthorized usb:1",), "1A is unauthorized", "agree to 'Allow USB debugging'"),
        (
            ("1A no permissions (missing udev rules?); see [http://developer.android.com/]",),
            "1A is no permissions",
            "android-sdk-platform-tools-common",
        ),
        (("1A offline transport_id:3",), "1A is offline", "Unplug the phone"),
    ],
)
def test_a_phone_that_is_not_ready_says_why(
    machine: Machine, rows: tuple[str, ...], detail: str, fix: str
) -> None:
    machine.program("adb", ADB + devices(*rows))
    finding = machine.find("phone")
    assert (finding.found, finding.detail) == (False, detail)
    assert fix in finding.fix


def test_an_adb_that_does_not_run_is_no_adb(machine: Machine) -> None:
    machine.program("adb", "cannot execute", code=126)
    assert "doesn't run" in machine.find("adb").detail
    assert not machine.find("phone").found
