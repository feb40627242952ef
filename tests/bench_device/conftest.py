"""A phone of each test's own, and one adb server for all of them, away from the developer's."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packager.progress import Phase, Progress
from tests.bench_device.chroot_phone import ChrootPhone, may_start
from tests.bench_device.debian import NoDebianError, unpack_adbd
from tests.conftest import need

PACKAGE = "org.example.flowers.benchmark.test"
MANIFESTS = Path(__file__).parent / "manifests"  # binary XML as aapt2 links it


@pytest.fixture(scope="session")
def phone_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    missing = may_start()
    need(missing is None, str(missing))
    try:
        return unpack_adbd(tmp_path_factory.mktemp("phone"))
    except NoDebianError as error:
        need(False, f"Debian's adbd ({error})")
        raise


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def adb_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that packager starts when it needs it, and that ends with the tests."""
    adbutils = pytest.importorskip("adbutils")
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # adb's keys
        patch.setenv("ADB_MDNS", "0")
        patch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
        patch.delenv("ANDROID_SERIAL", raising=False)
        yield port
        subprocess.run([adbutils.adb_path(), "-P", str(port), "kill-server"], capture_output=True)


@pytest.fixture
def plug_in(
    phone_root: Path, adb_port: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ChrootPhone]]:
    """Starts a phone and connects it."""
    from adbutils import AdbClient

    from packager.bench.phone import _client

    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(adb_port))
    started: list[ChrootPhone] = []

    def start(**options: str) -> ChrootPhone:
        _client()
        phone = ChrootPhone(phone_root, **options)
        started.append(phone)
        AdbClient(port=adb_port).connect(phone.serial, timeout=20)
        return phone

    yield start
    for phone in started:
        with contextlib.suppress(Exception):
            AdbClient(port=adb_port).disconnect(phone.serial)
        phone.close()


@pytest.fixture
def phone(plug_in: Callable[..., ChrootPhone]) -> ChrootPhone:
    return plug_in()


def write_apk(
    folder: Path,
    *,
    abis: tuple[str, ...] = ("arm64-v8a",),
    manifest: str = "release",
    size: int = 0,
) -> Path:
    """An APK as far as packager looks into it: a manifest, native libraries, `size` bytes more."""
    path = folder / f"{PACKAGE}.apk"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(MANIFESTS / f"{manifest}.bin", "AndroidManifest.xml")
        for abi in abis:
            archive.writestr(f"lib/{abi}/libLiteRt.so", b"")
        archive.writestr("classes.dex", b"\x05" * size)
    return path


class Watched(Progress):
    """A progress that remembers, and calls `hook` with each note."""

    def __init__(self, hook: Callable[[str], None] = lambda _: None) -> None:
        self.hook = hook
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.totals: list[int] = []

    @contextlib.contextmanager
    def phase(
        self, name: str, total: int | None = None, *, counted: bool = True
    ) -> Iterator[Phase]:
        watched = self

        class _Phase(Phase):
            def advance(self, steps: int = 1, note: str = "") -> None:
                if note:
                    watched.notes.append(note)
                watched.hook(note or name)

            def set_total(self, total: int) -> None:
                watched.totals.append(total)

        yield _Phase()

    def warn(self, message: str) -> None:
        self.warnings.append(message)
