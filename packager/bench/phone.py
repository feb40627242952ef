"""A phone behind adb: found, queried and sent files. No other module uses adb.

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
# What a phone may send: more than any does that works, and less than harms.
_MOST_FRAME = 16 << 20  # adb's own have at most 1 MiB
_MOST_ANSWER = 64 << 20  # of a command, or of a file that is pulled
_MOST_STREAM = 512 << 20  # of a command whose lines are followed
_MOST_LINE = 1 << 20
_MOST_SILENCES = 20  # a command takes no longer than so many silences
_MOST_HOURS = 24  # for one whose lines are followed
_CABLE = "Connect it again (with another cable or port if it happens often), and run it again."
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
        "can't be opened by this user",
        "On Linux add a udev rule for it: the package android-sdk-platform-tools-common has "
        "them; then connect it again.",
    ),
}
_OTHER_STATE = "Start it normally, and enable USB debugging in its developer options."


class PhoneLostError(DeviceError):
    """The phone disconnected during the work; no further command can reach it."""


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
                fix="Connect one by USB, enable USB debugging in its developer options and "
                "accept the question on its screen; or run `adb connect HOST:PORT`.",
            )
        wanted = ready[0] if ready else next(iter(listed))
    if wanted not in listed:
        there = ", ".join(sorted(listed)) or "none"
        raise DeviceError(
            f"no phone with that serial is connected; connected phones: {there}",
            where=wanted,
            fix="Choose one that `adb devices` lists: --device SERIAL.",
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
        output, status, size = [], 0, 0
        limit = seconds * _MOST_SILENCES
        for piece in self._shell(shlex.join(command), command[0], seconds, limit):
            if isinstance(piece, int):
                status = piece
            else:
                output.append(piece)
                size += len(piece)
                self._check_size(size, _MOST_ANSWER, f"running {command[0]}")
        return Answer(status, b"".join(output).decode("utf-8", "replace"))

    def lines(self, *command: str, silence: float) -> Iterator[str | int]:
        """A command's lines as they come, without their ends; last, its exit status as an int.

        `silence` is how many seconds it may write nothing. Closing the iterator closes the
        connection; what runs on the phone may go on.
        """
        rest, size, name = b"", 0, command[0]
        for piece in self._shell(shlex.join(command), name, silence, _MOST_HOURS * 3600):
            if isinstance(piece, int):
                if rest:
                    yield rest.decode("utf-8", "replace").rstrip("\r")
                yield piece
                return
            size += len(piece)
            self._check_size(size, _MOST_STREAM, f"running {name}")
            *whole, rest = (rest + piece).split(b"\n")
            self._check_size(len(rest), _MOST_LINE, f"writing a line of {name}")
            for line in whole:
                yield line.decode("utf-8", "replace").rstrip("\r")

    def _shell(
        self, command: str, name: str, silence: float, limit: float
    ) -> Iterator[bytes | int]:
        """What a command writes, then its exit status. Shell protocol version 2.

        `silence` is how many seconds may bring nothing, `limit` how many it may take in all.
        """
        with self._talking(f"running {name}", silence) as wire:
            wire.ask(f"shell,v2,raw:{command}")
            heard = begun = time.monotonic()
            while True:
                kind, size = struct.unpack("<BI", wire.exactly(5))
                content = wire.exactly(size)
                if kind == _EXIT:
                    if size != 1:
                        raise _NonsenseError(f"an exit status of {size} bytes")
                    yield content[0]
                    return
                now = time.monotonic()
                if now - begun > limit:
                    raise TimeoutError
                if kind in (_STDOUT, _STDERR) and content:
                    yield content
                    heard = time.monotonic()
                elif now - heard > silence:  # frames of nothing are silence too
                    raise TimeoutError

    def _check_size(self, size: int, most: int, doing: str) -> None:
        if size > most:
            raise DeviceError(
                f"the phone sent more than {most >> 20} MiB while {doing}",
                where=self.serial,
                fix="Something on it floods the connection. Restart the phone, and run it again.",
            )

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
        with source.open("rb") as file, self._talking(f"pushing {source.name}") as wire:
            wire.sync(b"SEND", name)
            while chunk := file.read(_CHUNK):
                if select.select([wire.socket], [], [], 0)[0]:
                    break  # it answers before the end: only a refusal does
                wire.send(struct.pack("<4sI", b"DATA", len(chunk)) + chunk)
                tell(len(chunk))
            else:
                wire.send(struct.pack("<4sI", b"DONE", int(time.time()) & 0xFFFFFFFF))
            kind, size = struct.unpack("<4sI", wire.exactly(8))
            reason = wire.exactly(min(size, _CHUNK)).decode("utf-8", "replace")[:300]
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
        total = 0
        doing, begun = f"pulling {PurePosixPath(source).name}", time.monotonic()
        with self._talking(doing) as wire:
            wire.sync(b"RECV", source.encode())
            while True:
                kind, size = struct.unpack("<4sI", wire.exactly(8))
                if kind == b"DONE":
                    return b"".join(content)
                piece = wire.exactly(size)
                if kind != b"DATA":
                    return None
                content.append(piece)
                total += size
                self._check_size(total, _MOST_ANSWER, doing)
                if time.monotonic() - begun > wire.seconds * _MOST_SILENCES:
                    raise TimeoutError

    def properties(self) -> dict[str, str]:
        """Its system properties, as `getprop` lists them."""
        lines = self.run("getprop").text.splitlines()
        found = (re.fullmatch(r"\[(.+?)\]: \[(.*)\]", line[:10_000]) for line in lines)
        return {each[1]: each[2] for each in found if each}

    def free_bytes(self, folder: str) -> int | None:
        """Free space where the folder is, or None when `df` doesn't say."""
        words = self.run("df", "-k", folder).text.split()
        # The last line ends: available, used in per cent, mounted on.
        with contextlib.suppress(ValueError, IndexError):
            return int(words[-3]) * 1024
        return None

    @contextlib.contextmanager
    def _talking(self, doing: str, silence: float = 60) -> Iterator[_Wire]:
        from adbutils import AdbError, AdbTimeout

        try:
            with self._client.make_connection() as connection:
                wire = _Wire(connection, silence)
                wire.ask(f"host:transport:{self.serial}")
                yield wire
        except _NonsenseError as error:
            raise DeviceError(
                f"the phone's answer can't be understood while {doing} ({error})",
                where=self.serial,
                fix="Connect it again, and run it again; update adb if it fails again.",
            ) from error
        except (AdbTimeout, TimeoutError) as error:
            raise DeviceError(
                f"the phone was silent for {silence:.0f} s while {doing}",
                where=self.serial,
                fix="Check its screen: it may show a question, or hang. Run it again.",
            ) from error
        except (AdbError, OSError, EOFError, struct.error) as error:
            raise self._lost(doing, error) from error

    def _lost(self, doing: str, error: Exception) -> DeviceError:
        """The reason for a lost connection."""
        from adbutils import AdbError

        try:
            state = _listed(self._client).get(self.serial, "gone")
        except DeviceError:
            return PhoneLostError(
                f"adb's server ended while {doing}",
                where=self.serial,
                fix="Run it again: the server is restarted. Another program (an older adb, an "
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


class _NonsenseError(Exception):
    """The data received doesn't follow the protocol."""


class _Wire:
    """A connection to adb's server; each message has `seconds` to arrive whole."""

    def __init__(self, connection: AdbConnection, seconds: float) -> None:
        self.socket: socket.socket = connection.conn
        self.seconds = seconds

    def send(self, content: bytes) -> None:
        self.socket.settimeout(self.seconds)
        self.socket.sendall(content)

    def exactly(self, count: int) -> bytes:
        """So many bytes. Raises `TimeoutError`, `EOFError`, and `OSError` of the connection."""
        if count > _MOST_FRAME:
            raise _NonsenseError(f"a message of {count:,} bytes")
        content, end = bytearray(), time.monotonic() + self.seconds
        while len(content) < count:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            piece = self.socket.recv(min(count - len(content), _CHUNK))
            if not piece:
                raise EOFError("the connection ended")
            content += piece
        return bytes(content)

    def text(self) -> str:
        """After four hexadecimal digits that tell its length."""
        size = self.exactly(4)
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", size):
            raise _NonsenseError(f"a length of {size!r}")
        return self.exactly(int(size, 16)).decode("utf-8", "replace")

    def ask(self, command: str) -> None:
        """Raises `AdbError` when it's refused."""
        from adbutils import AdbError

        content = command.encode()
        self.send(f"{len(content):04x}".encode() + content)
        answer = self.exactly(4)
        if answer == b"FAIL":
            raise AdbError(self.text()[:300])
        if answer != b"OKAY":
            raise AdbError(f"Unknown data: {answer!r}")

    def sync(self, request: bytes, path: bytes) -> None:
        """Begins a request of the sync service."""
        self.ask("sync:")
        self.send(struct.pack("<4sI", request, len(path)) + path)


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
            fix="Run `adb start-server` by hand and read its output.",
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
            wire = _Wire(connection, 10)
            wire.ask("host:devices")
            text = wire.text()
    except (AdbError, OSError, EOFError, _NonsenseError, subprocess.SubprocessError) as error:
        raise DeviceError(
            f"adb's server does not answer ({error})",
            where=f"{client.host}:{client.port}",
            fix="Run `adb kill-server`, then run this again.",
        ) from error
    rows = (line.partition("\t") for line in text.splitlines())
    # "no permissions" is followed by an explanation.
    return {
        serial: "no permissions" if state.startswith("no permissions") else state.strip()
        for serial, _, state in rows
        if state
    }
