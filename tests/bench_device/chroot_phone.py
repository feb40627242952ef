"""A phone of the tests: a real adbd in a chroot, and the cable to it, which can be pulled."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

PORT = 45551  # that no emulator has
PROPERTIES = {
    "ro.product.brand": "acme",
    "ro.product.device": "roadrunner",
    "ro.product.model": "Road Runner 9",
    "ro.build.fingerprint": "acme/roadrunner/roadrunner:15/AP4A/1:user/release-keys",
    "ro.build.id": "AP4A",
    "ro.build.display.id": "AP4A.250105.002",
    "ro.build.type": "user",
    "ro.build.version.codename": "REL",
    "ro.build.version.sdk": "35",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a",
    "ro.soc.model": "AC9000",
}
# The network namespace keeps adbd, which listens on every address it has, from every address
# there is: the cable is the only way in. adbd is the first process of its own process namespace,
# so that everything it started ends with it.
_START = (
    "mount -t proc proc {root}/proc && "
    "if [ -n '{size}' ]; then mount -t tmpfs -o size={size} tmpfs {root}/data/local/tmp; fi && "
    "chroot {root} /usr/bin/busybox ifconfig lo up && exec chroot {root} /usr/sbin/adbd"
)


class ChrootPhone:
    """A started phone; `serial` is what adb calls it."""

    def __init__(self, root: Path, *, size: str = "") -> None:
        self.root = root
        for folder in ("data/local/tmp", "sdcard", "phone"):
            shutil.rmtree(root / folder, ignore_errors=True)
            (root / folder).mkdir(parents=True)
        (root / "phone" / "installed").mkdir()
        self.set_properties()
        if not size:
            self.set_free(20_000_000)
        self.size = size
        self._start()
        self.cable = Cable(self.connect)
        self.serial = f"127.0.0.1:{self.cable.port}"

    def _start(self) -> None:
        self.process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
             _START.format(root=self.root, size=self.size)],
            env={"PATH": "/answers:/usr/sbin:/usr/bin:/sbin:/bin", "ADBD_PORT": str(PORT)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), self.connect():
                return
            assert self.process.poll() is None, "adbd did not start"
            assert time.monotonic() < deadline, "adbd does not listen"
            time.sleep(0.02)

    def connect(self) -> socket.socket:
        """A connection made inside the phone's network; it stays there when the thread leaves."""
        libc = ctypes.CDLL(None, use_errno=True)
        new_network = 0x40000000
        with (
            Path("/proc/thread-self/ns/net").open() as ours,
            Path(f"/proc/{self.process.pid}/ns/net").open() as theirs,
        ):
            if libc.setns(theirs.fileno(), new_network):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                return socket.create_connection(("127.0.0.1", PORT), 3)
            finally:
                assert libc.setns(ours.fileno(), new_network) == 0

    def kill(self) -> None:
        """Everything on the phone is gone at once."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """It hangs: the connection stays, and nothing answers."""
        outer = self.process.pid
        (daemon,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        os.kill(int(daemon), signal.SIGSTOP)

    def close(self) -> None:
        self.cable.close()
        self.kill()

    def set_properties(self, **changed: str) -> None:
        values = PROPERTIES | {name.replace("__", "."): value for name, value in changed.items()}
        text = "".join(f"[{name}]: [{value}]\n" for name, value in values.items())
        self.write("phone/properties", text)

    def set_free(self, kilobytes: int) -> None:
        """What `df` says, in the words of Android's."""
        rows = (
            "Filesystem      1K-blocks     Used Available Use% Mounted on",
            f"/dev/block/dm-9 112345678 92345678  {kilobytes}  83% /data/user/0",
        )
        self.write("phone/df", "\n".join(rows) + "\n")

    def write(self, path: str, content: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(0o755)

    def calls(self) -> list[str]:
        """What `pm`, `am` and the others were asked, in order."""
        log = self.root / "phone" / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def left(self) -> list[str]:
        """Files that a run should have taken away."""
        folders = ("data/local/tmp", "sdcard", "phone/installed")
        return sorted(
            path.relative_to(self.root).as_posix()
            for folder in folders
            for path in (self.root / folder).rglob("*")
            if path.is_file()
        )


class Cable:
    """Carries bytes between a port of this machine's loopback and the phone."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._trap: tuple[str, int, Callable[[], None]] | None = None
        self._carried = {"to": 0, "from": 0}
        threading.Thread(target=self._serve, daemon=True).start()

    def trap(self, way: str, count: int, spring: Callable[[], None]) -> None:
        """Calls `spring` once `count` more bytes went this way, "to" the phone or "from" it."""
        self._trap = (way, self._carried[way] + count, spring)

    def pull(self) -> None:
        """Both ends are loose, and nothing can be plugged in again."""
        self.close()

    def close(self) -> None:
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            try:
                far = self._connect()
            except OSError:
                near.close()
                continue
            self._ends += [near, far]
            for way, source, target in (("to", near, far), ("from", far, near)):
                threading.Thread(
                    target=self._carry, args=(way, source, target), daemon=True
                ).start()

    def _carry(self, way: str, source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(16384):
                self._carried[way] += len(piece)
                if self._trap is not None and self._trap[0] == way:
                    _, limit, spring = self._trap
                    if self._carried[way] > limit:
                        self._trap = None
                        spring()
                target.sendall(piece)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def may_start() -> str | None:
    """Why a phone can't be started here, or None."""
    if os.name != "posix" or os.geteuid() != 0:
        return "root, for a chroot with adbd in it,"
    for program in ("unshare", "chroot", "dpkg-deb", "apt-get"):
        if shutil.which(program) is None:
            return program
    done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"],
                          capture_output=True)  # fmt: skip
    return "the right to make namespaces" if done.returncode else None
