"""A phone behind adb: found, asked, fed and listened to. Nothing else speaks to adb.

adbutils reaches adb's server and frames its messages; the shell and sync services are spoken
here, because adbutils has no exit status of a command that streams and drops the reason of a
failed push. Protocol: `OVERVIEW.TXT`, `SERVICES.TXT` and `SYNC.TXT` in AOSP's packages/modules/adb.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shlex
import socket
import stat
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from packager import files
from packager.errors import DeviceError

if TYPE_CHECKING:
    from adbutils import AdbClient, AdbConnection

_SERVER_SECONDS = 30
_CHUNK = 64 * 1024  # sync's limit
_STDOUT, _STDERR, _EXIT = 1, 2, 3
_CABLE = "Connect it again (another cable or port, if it happens often), and run it again."
_STATES = {
    "unauthorized": (
        "has not allowed this computer to debug it",
        "Unlock it and accept the question on its screen; if there is none, revoke USB debugging "
        "authorisations in its developer options and connect it again.",
    ),
    "authorizing": (
        "is still asking whether to trust this computer",
        "Accept the question on its screen, and run it again.",
    ),
    "offline": (
        "is connected but does not answer",
        "Unlock it and connect it again; if that is not enough, run `adb reconnect offline`.",
    ),
    "no permissions": (
        "may not be opened by this user",
        "On Linux add a udev rule for it: the package android-sdk-platform-tools-common has "
        "them; then connect it again.",
    ),
}
_OTHER_STATE = "Start it up normally, and switch on USB debugging in its developer options."


class PhoneLostError(DeviceError):
    """The phone went away in the middle: nothing more can be asked of it."""


@dataclass(frozen=True)
class Answer:
    """A command's exit status, and what it wrote to both streams."""

    status: int
    text: str


def find_phone(serial: str | None = None) -> Phone:
    """The phone of that serial; else the one ANDROID_SERIAL names; else the only one there is.

    Raises:
        DeviceError: adb is missing or its server can't start; there is no phone, more than one
            and no serial, none of that serial; it's unauthorised, offline or not started up.
    """
    client = _client()
    listed = _listed(client)
    wanted = serial or os.environ.get("ANDROID_SERIAL") or None
    if wanted is None:
        ready = [name for name, state in listed.items() if state == "device"]
        if len(ready) > 1:
            raise DeviceError(
                f"there are {len(ready)} phones: {', '.join(sorted(ready))}",
                where="--device",
                fix="Choose one: --device SERIAL.",
            )
        if not listed:
            raise DeviceError(
                "no phone is connected",
                fix="Connect one by USB, switch on USB debugging in its developer options and "
                "accept the question on its screen; or run `adb connect HOST:PORT`.",
            )
        wanted = ready[0] if ready else next(iter(listed))
    if wanted not in listed:
        there = ", ".join(sorted(listed)) or "none"
        raise DeviceError(
            f"no phone of that serial is connected; those there: {there}",
            where=wanted,
            fix="Look at `adb devices`, and name one of them: --device SERIAL.",
        )
    if listed[wanted] != "device":
        what, fix = _STATES.get(
            listed[wanted], (f"is in the state {listed[wanted]!r}", _OTHER_STATE)
        )
        raise DeviceError(f"the phone {what}", where=wanted, fix=fix)
    return Phone(client, wanted)


class Phone:
    """One phone that answers.

    Every method raises `PhoneLostError` when the phone goes away in the middle, and
    `DeviceError` when it stays silent for longer than is allowed.
    """

    def __init__(self, client: AdbClient, serial: str) -> None:
        self._client, self.serial = client, serial

    def run(self, *command: str, seconds: float = 60) -> Answer:
        """Runs a command to its end; `seconds` is how long it may be silent."""
        output, status = [], 0
        for piece in self._shell(shlex.join(command), command[0], seconds):
            if isinstance(piece, int):
                status = piece
            else:
                output.append(piece)
        return Answer(status, b"".join(output).decode("utf-8", "replace"))

    def lines(self, *command: str, silence: float) -> Iterator[str | int]:
        """A command's lines as they come, without their ends; last, its exit status as an int.

        `silence` is how many seconds it may write nothing. Closing the iterator closes the
        connection; what runs on the phone may go on.
        """
        rest = b""
        for piece in self._shell(shlex.join(command), command[0], silence):
            if isinstance(piece, int):
                if rest:
                    yield rest.decode("utf-8", "replace").rstrip("\r")
                yield piece
                return
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace").rstrip("\r")

    def _shell(self, command: str, name: str, silence: float) -> Iterator[bytes | int]:
        """What a command writes, then its exit status. Shell protocol version 2."""
        with self._talking(f"running {name}", silence) as connection:
            connection.send_command(f"shell,v2,raw:{command}")
            connection.check_okay()
            while True:
                kind, size = struct.unpack("<BI", connection.read_exact(5))
                content = connection.read_exact(size)
                if kind == _EXIT:
                    yield content[0]
                    return
                if kind in (_STDOUT, _STDERR) and content:
                    yield content

    def push(
        self,
        source: Path,
        target: str,
        *,
        executable: bool = False,
        tell: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Copies a file to `target`, whose folders are made; `tell` hears of each chunk's bytes.

        Raises `DeviceError` when the phone refuses it or is full.
        """
        mode = stat.S_IFREG | (0o755 if executable else 0o644)
        name = f"{target},{mode}".encode()
        with source.open("rb") as file, self._talking(f"pushing {source.name}") as connection:
            wire = _sync(connection, b"SEND", name)
            while chunk := file.read(_CHUNK):
                if select.select([wire], [], [], 0)[0]:
                    break  # it answers before the end: only a refusal does
                wire.sendall(struct.pack("<4sI", b"DATA", len(chunk)) + chunk)
                tell(len(chunk))
            else:
                wire.sendall(struct.pack("<4sI", b"DONE", int(time.time())))
            kind, size = struct.unpack("<4sI", connection.read_exact(8))
            reason = connection.read_exact(size).decode("utf-8", "replace")
        if kind != b"OKAY":
            full = "No space left" in reason
            raise DeviceError(
                f"the phone could not take {source.name} ({reason})",
                where=f"{self.serial}: {target}",
                fix="Free some storage on the phone." if full else "Look at that folder on it.",
            )

    def pull(self, source: str) -> bytes | None:
        """A file's content, or None when the phone can't read it."""
        content: list[bytes] = []
        with self._talking(f"pulling {PurePosixPath(source).name}") as connection:
            _sync(connection, b"RECV", source.encode())
            while True:
                kind, size = struct.unpack("<4sI", connection.read_exact(8))
                if kind == b"DONE":
                    return b"".join(content)
                piece = connection.read_exact(size)
                if kind != b"DATA":
                    return None
                content.append(piece)

    def properties(self) -> dict[str, str]:
        """Its system properties, as `getprop` lists them."""
        found = re.findall(r"^\[(.+?)\]: \[(.*)\]\r?$", self.run("getprop").text, re.MULTILINE)
        return dict(found)

    def free_bytes(self, folder: str) -> int | None:
        """Free space where the folder is, or None when `df` doesn't say."""
        words = self.run("df", "-k", folder).text.split()
        # The last line ends: available, used in per cent, mounted on.
        with contextlib.suppress(ValueError, IndexError):
            return int(words[-3]) * 1024
        return None

    @contextlib.contextmanager
    def _talking(self, doing: str, silence: float = 60) -> Iterator[AdbConnection]:
        from adbutils import AdbDevice, AdbError, AdbTimeout

        try:
            device = AdbDevice(self._client, self.serial)
            with contextlib.closing(device.open_transport(timeout=silence)) as connection:
                yield connection
        except (AdbTimeout, TimeoutError) as error:
            raise DeviceError(
                f"the phone was silent for {silence:.0f} s while {doing}",
                where=self.serial,
                fix="Look at its screen: it may be asking something, or hang. Run it again.",
            ) from error
        except (AdbError, OSError, EOFError, struct.error) as error:
            raise self._lost(doing, error) from error

    def _lost(self, doing: str, error: Exception) -> DeviceError:
        """Why nothing more came."""
        from adbutils import AdbError

        try:
            state = _listed(self._client).get(self.serial, "gone")
        except DeviceError:
            return PhoneLostError(
                f"adb's server ended while {doing}",
                where=self.serial,
                fix="Run it again: the server is started anew. Another program (an older adb, an "
                "emulator) may have stopped it.",
            )
        refusal = isinstance(error, AdbError) and "Unknown data" not in str(error)
        if state == "device" and refusal:
            why = f"adb failed while {doing} ({error})"
        elif state in ("gone", "device", "offline"):
            why = f"the connection to the phone broke while {doing}"
        else:
            why = f"the phone went {state} while {doing}"
        return PhoneLostError(why, where=self.serial, fix=_CABLE)


def _sync(connection: AdbConnection, request: bytes, path: bytes) -> socket.socket:
    connection.send_command("sync:")
    connection.check_okay()
    wire: socket.socket = connection.conn
    wire.sendall(struct.pack("<4sI", request, len(path)) + path)
    return wire


def _client() -> AdbClient:
    """A client of adb's server, which is started when it isn't running."""
    from adbutils import AdbClient

    client = AdbClient()
    with contextlib.suppress(OSError), socket.create_connection((client.host, client.port), 3):
        return client
    program = _program()
    with files.temporary_file() as log:  # a pipe would be held open by the server
        try:
            done = subprocess.run(
                [program, "-P", str(client.port), "start-server"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=_SERVER_SECONDS,
                check=False,
            )
            failed = done.returncode != 0
        except (OSError, subprocess.TimeoutExpired) as error:
            log.write(str(error).encode())
            failed = True
        log.seek(0)
        said = log.read().decode("utf-8", "replace").strip()
    if failed:
        last = "".join(f"\n  {line}" for line in said.splitlines()[-4:])
        raise DeviceError(
            f"adb's server could not be started on port {client.port}{last}",
            where=program,
            fix="Run `adb start-server` yourself and look at what it says.",
        )
    return client


def _program() -> str:
    """adb of the Android SDK, of the PATH, or the one that comes with adbutils."""
    from adbutils import AdbError, adb_path

    name = "adb.exe" if os.name == "nt" else "adb"
    for variable in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        if folder := os.environ.get(variable):
            program = Path(folder, "platform-tools", name)
            if os.access(program, os.X_OK):
                return str(program)
    try:
        return str(adb_path())
    except AdbError:
        raise DeviceError(
            "there is no adb on this machine",
            fix="Install Android's platform tools (on Debian: sudo apt install adb) and put adb "
            "on the PATH.",
        ) from None


def _listed(client: AdbClient) -> dict[str, str]:
    """Serial and state of everything that adb sees."""
    from adbutils import AdbError

    try:
        # adbutils would start a server that isn't there, and let it write to our output.
        socket.create_connection((client.host, client.port), 3).close()
        with client.make_connection(timeout=10) as connection:
            connection.send_command("host:devices")
            connection.check_okay()
            text = connection.read_string_block()
    except (AdbError, OSError, ValueError, subprocess.SubprocessError) as error:
        raise DeviceError(
            f"adb's server does not answer ({error})",
            where=f"{client.host}:{client.port}",
            fix="Run `adb kill-server`, then this again.",
        ) from error
    rows = (line.partition("\t") for line in text.splitlines())
    # "no permissions" is followed by an explanation.
    return {
        serial: "no permissions" if state.startswith("no permissions") else state.strip()
        for serial, _, state in rows
        if state
    }
