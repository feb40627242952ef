"""Properties of a phone that affect its speed: build, chip, clocks, temperature, battery."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone

from packager.bench.phone import Phone
from packager.bench.results import Build, Context
from packager.errors import DeviceError

ABIS = ("arm64-v8a", "x86_64", "armeabi-v7a")  # that LiteRT has builds for
# A row a core: its lowest and highest clock in kHz as set now, and the highest it can have.
_CLOCKS = (
    "for c in /sys/devices/system/cpu/cpu[0-9]*/cpufreq; do "
    "cat $c/scaling_min_freq $c/scaling_max_freq $c/cpuinfo_max_freq | tr '\\n' ' '; echo; "
    "done 2>/dev/null; echo cores=$(ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l); "
    "grep MemTotal /proc/meminfo"
)


def phone_context(phone: Phone, engine: str, runtime: str) -> Context:
    """The phone's state before measuring; None where the phone doesn't report it."""
    said = phone.properties()
    machine = phone.run("sh", "-c", _CLOCKS).text
    clocks = [
        tuple(map(int, row))
        for row in re.findall(r"^(\d{1,12}) (\d{1,12}) (\d{1,12}) ?$", machine, re.M)
    ]
    cores, memory = (
        re.search(r"cores=(\d{1,6})\b", machine),
        re.search(r"MemTotal: +(\d{1,15}) kB", machine),
    )
    saver = phone.run("settings", "get", "global", "low_power").text.strip()
    return Context(
        build=Build(
            brand=said.get("ro.product.brand", ""),
            device=said.get("ro.product.device", ""),
            model=said.get("ro.product.model", ""),
            fingerprint=said.get("ro.build.fingerprint", ""),
            id=said.get("ro.build.id", ""),
            type=said.get("ro.build.type", ""),
            codename=said.get("ro.build.version.codename", ""),
            sdk=_whole(said.get("ro.build.version.sdk", "")) or 0,
        ),
        source="phone",
        engine=engine,
        runtime=runtime,
        cpu_cores=(int(cores[1]) or None) if cores else None,
        cpu_locked=all(low == high for low, high, _ in clocks) if clocks else None,
        cpu_max_hz=max(top for _, _, top in clocks) * 1000 if clocks else None,
        memory_bytes=int(memory[1]) * 1024 if memory else None,
        soc=said.get("ro.soc.model") or said.get("ro.board.platform") or None,
        abi=said.get("ro.product.cpu.abi", ""),
        android_build=said.get("ro.build.display.id") or None,
        battery_saver={"0": False, "1": True}.get(saver),
        thermal_before=thermal_status(phone),
        started_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _whole(text: str) -> int | None:
    """A number as a property has it; None for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text.strip()) else None


def thermal_status(phone: Phone) -> int | None:
    """0 (none) to 6 (shutdown), or None before Android 10."""
    found = re.search(r"Thermal Status: (\d)", phone.run("dumpsys", "thermalservice").text)
    return int(found[1]) if found else None


def phone_abis(phone: Phone, properties: Mapping[str, str]) -> tuple[str, ...]:
    """The ABIs that it runs, best first.

    Raises:
        DeviceError: none of them is one that LiteRT has a build for.
    """
    listed = properties.get("ro.product.cpu.abilist") or properties.get("ro.product.cpu.abi", "")
    abis = tuple(abi.strip() for abi in listed.split(",") if abi.strip())
    if not set(abis) & set(ABIS):
        raise DeviceError(
            f"the phone runs {', '.join(abis) or 'no known ABI'}, and LiteRT only has builds "
            f"for {', '.join(ABIS)}",
            where=phone.serial,
            fix="Use another phone, or an emulator with an x86_64 image.",
        )
    return abis
