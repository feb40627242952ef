from __future__ import annotations

import importlib.util
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packager.data.folder import Photo, scan_folder
from packager.errors import DataError, SettingsError, TrainingError
from packager.progress import Phase
from packager.specs import ModelSpec, get_spec
from packager.training import ray_extraction
from packager.training.extraction import extract_features
from packager.training.features import FeatureStore, load_features
from tests.conftest import COLORS, Heard, need, save_photo

SPEC: ModelSpec = replace(get_spec("lite0"), input_size=32, feature_size=16)


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"not installed.*pip install \"tflite-packager\[ray\]"):
        extract_features([], SPEC, b"", FeatureStore(SPEC, "a" * 64), engine="ray")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(SettingsError, match="unknown engine 'spark'.*local or ray"):
        extract_features([], SPEC, b"", FeatureStore(SPEC, "a" * 64), engine="spark")


@pytest.fixture
def large_photos(tmp_path: Path) -> Path:
    """Photos that take a while to decode, so that there is a middle to kill a worker in."""
    for label, color in COLORS.items():
        for number in range(16):
            save_photo(tmp_path / "large" / label / f"{number}.png", color, number, size=700)
    return tmp_path / "large"


@pytest.fixture
def ray_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    need(importlib.util.find_spec("ray") is not None, "the extra `ray`")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.fixture
def session(ray_installed: None) -> Iterator[Any]:
    """A Ray of two cores that is there already."""
    with ray_extraction._connected(2) as ray:
        yield ray


def descendants(of: int) -> dict[int, str]:
    """Processes below that one, and their command lines."""
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            lines[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it ended
            continue
        parents[int(folder.name)] = int(status.split("PPid:")[1].split()[0])
    found: dict[int, str] = {}
    waiting = [of]
    while waiting:
        above = waiting.pop()
        below = [pid for pid, parent in parents.items() if parent == above and pid in lines]
        found.update({pid: lines[pid] for pid in below})
        waiting += below
    return found


class Killer(Heard):
    """Kills one worker when the first photo is done, and looks at what is then running.

    The others stand still until one takes its place, so that they can't do all the work before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.killed = 0
        self.first: set[int] = set()
        self.last: set[int] = set()
        self.replaced: set[int] = set()
        self.listening: set[str] = set()

    def phase(self, *args: Any, **more: Any) -> Any:
        killer, phase = self, super().phase(*args, **more)

        class Watched(Phase):
            def advance(self, steps: int = 1, note: str = "") -> None:
                killer.steps += steps
                if not killer.killed:
                    killer.first = killer.workers()
                    killer.listening = killer.addresses()
                    killer.killed = max(killer.first)
                    os.kill(killer.killed, signal.SIGKILL)
                    killer.replaced = killer.wait_for_another()
                elif killer.steps == killer.total:
                    killer.last = killer.workers()

        class Opened:
            def __enter__(self) -> Phase:
                phase.__enter__()
                return Watched()

            def __exit__(self, *error: Any) -> None:
                phase.__exit__(*error)

        return Opened()

    def wait_for_another(self) -> set[int]:
        others = self.first - {self.killed}
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        end, another = time.monotonic() + 60, set[int]()
        try:
            while not another and time.monotonic() < end:
                time.sleep(0.05)
                another = self.workers() - self.first
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)
        return another

    def workers(self) -> set[int]:
        return {pid for pid, line in descendants(os.getpid()).items() if "_Worker" in line}

    def addresses(self) -> set[str]:
        """IPv4 and IPv6 addresses, in the kernel's hex, that this process's Ray listens on."""
        sockets = set()
        for pid in descendants(os.getpid()):
            for handle in Path(f"/proc/{pid}/fd").glob("*"):
                try:
                    sockets.add(handle.readlink().name)
                except OSError:
                    continue
        rows = [
            row.split()
            for table in ("tcp", "tcp6")
            for row in Path("/proc/net", table).read_text().splitlines()[1:]
        ]
        return {
            row[1].split(":")[0]
            for row in rows
            if row[3] == "0A" and f"socket:[{row[9]}]" in sockets
        }


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_is_lost_when_a_worker_is_killed(
    ray_installed: None,
    large_photos: Path,
    tiny_backbone: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_extraction, "_BLOCK", 4)
    photos = scan_folder(large_photos).photos
    local, cluster = (FeatureStore(SPEC, "a" * 64, tmp_path / name) for name in ("one", "two"))
    extract_features(photos, SPEC, tiny_backbone, local)
    before = set(descendants(os.getpid()))
    killer = Killer()
    done = extract_features(
        photos, SPEC, tiny_backbone, cluster, workers=2, engine="ray", progress=killer
    )
    assert (done.computed, done.rejects) == (48, ())
    assert killer.steps == 48
    assert killer.killed not in killer.last
    assert killer.replaced, "another worker was started in its place"
    expected, _ = load_features(photos, local)
    found, _ = load_features(photos, cluster)
    assert found.tobytes() == expected.tobytes()
    # Nothing was open to the network, and nothing runs on.
    assert killer.listening <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert killer.listening
    assert set(descendants(os.getpid())) <= before


@pytest.mark.slow
def test_a_session_is_used_and_left_and_a_cluster_found_by_its_address(
    session: Any,
    photos: Path,
    tiny_backbone: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = tmp_path / "own"
    shutil.copytree(photos, own)
    listed = list(scan_folder(own).photos)
    listed[4].path.unlink()
    local, cluster = (FeatureStore(SPEC, "a" * 64, tmp_path / name) for name in ("one", "two"))

    def extract(store: FeatureStore, engine: str, photos: list[Photo] = listed) -> Any:
        return extract_features(photos, SPEC, tiny_backbone, store, engine=engine)

    # Rejects are the same; the rest is there.
    assert extract(cluster, "ray") == extract(local, "local")
    assert extract(cluster, "ray", listed[:4]).cached == 4
    left = [photo for photo in listed if photo != listed[4]]
    np.testing.assert_array_equal(load_features(left, cluster)[0], load_features(left, local)[0])

    # A photo that only this machine could read is no reject but an error.
    with monkeypatch.context() as here:
        here.setattr(ray_extraction, "open_photo", lambda *_, **__: None)
        with pytest.raises(
            DataError, match="worker can't read.*every node mounts at the same path"
        ):
            extract(cluster, "ray")

    # Nor are vectors taken from a worker that would give others.
    with monkeypatch.context() as here:
        here.setattr(ray_extraction, "_versions", lambda: {"pillow": "1.0"})
        with pytest.raises(TrainingError, match="but this machine has .*1.0"):
            extract(FeatureStore(SPEC, "b" * 64, tmp_path), "ray")
    assert session.is_initialized()

    # Another process reaches it by RAY_ADDRESS, and leaves it running.
    program = """
import pickle, sys
from packager.training.extraction import extract_features
from packager.training.features import FeatureStore
photos, spec, backbone = pickle.load(sys.stdin.buffer)
store = FeatureStore(spec, "c" * 64)
print(extract_features(photos, spec, backbone, store, engine="ray").computed)
"""
    told = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps((left, SPEC, tiny_backbone)),
        capture_output=True,
        env={
            **os.environ,
            "RAY_ADDRESS": session.get_runtime_context().gcs_address,
            "PACKAGER_CACHE": str(tmp_path / "cache"),
        },
    )
    assert told.stdout.split() == [b"35"], told.stderr.decode()
    assert session.cluster_resources()["CPU"] == 2


@pytest.mark.slow
def test_a_cluster_that_is_not_there(
    ray_installed: None,
    photos: Path,
    tiny_backbone: bytes,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    listed = scan_folder(photos).photos
    with pytest.raises(SettingsError, match="RAY_ADDRESS=127.0.0.1:9: Ray can't be reached"):
        extract_features(listed, SPEC, tiny_backbone, FeatureStore(SPEC, "a" * 64), engine="ray")
