"""A client's process: photos in, predictions out, and a reason when it fails."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from packager import files
from packager.errors import ClientError
from packager.record import check_shape, parse_json
from packager.verify.environment import Client, clean_environment

_START_SECONDS = 180
_PHOTO_SECONDS = 60
_END_SECONDS = 10
_MOST_LINE = 64 << 20  # a score and a label for each class
_MOST_LOG = 1 << 20
_DEBIAN_PACKAGES = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libGLESv2.so.2": "libgles2",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "PortAudio": "libportaudio2",
}
_MISSING = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object|(PortAudio) library")


class Session:
    """A running client. `facts` is what it said first: its version and more."""

    def __init__(self, client: Client, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        from packager.shapes import ClientFacts

        self._client, self._process, self._log = client, process, log
        self.facts = self._answer(_START_SECONDS, ClientFacts)

    def classify(self, width: int, height: int, pixels: bytes) -> dict[str, Any]:
        """Sends a photo, RGB bytes by rows; gives `scores` and `milliseconds`."""
        from packager.shapes import ClientAnswer

        assert self._process.stdin is not None
        header = json.dumps({"width": width, "height": height}).encode() + b"\n"
        with contextlib.suppress(OSError), self._limit(_PHOTO_SECONDS):
            # If it died, what it said last is the better error.
            self._process.stdin.write(header + pixels)
            self._process.stdin.flush()
        return self._answer(_PHOTO_SECONDS, ClientAnswer)

    @contextlib.contextmanager
    def _limit(self, seconds: int) -> Iterator[threading.Event]:
        over = threading.Event()

        def stop() -> None:
            over.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            yield over
        finally:
            timer.cancel()

    def _answer(self, seconds: int, shape: type[Any]) -> dict[str, Any]:
        assert self._process.stdout is not None
        with self._limit(seconds) as over:
            line = self._process.stdout.readline(_MOST_LINE)
        if over.is_set():
            raise self._failure(f"did not answer within {seconds} seconds")
        if not line.endswith(b"\n") and len(line) < _MOST_LINE:
            raise self._failure(self._ended())
        try:
            answer = check_shape(parse_json(line), dict[str, Any])
            if "error" not in answer:
                return cast(dict[str, Any], check_shape(answer, shape))
        except ValueError as error:
            raise self._failure(f"sent an unreadable answer ({error})") from None
        raise self._failure(f"refused the model or a photo: {answer['error']!s:.2000}")

    def _ended(self) -> str:
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed its output but kept running"
        return f"ended with {f'signal {-code}' if code < 0 else f'status {code}'}"

    def _failure(self, what: str) -> ClientError:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _MOST_LOG))
        log = self._log.read(_MOST_LOG).decode(errors="replace")
        client = f"{self._client.title} {self._client.version}"
        if missing := _MISSING.search(what + log):
            library = missing[1] or missing[2]
            package = _DEBIAN_PACKAGES.get(library)
            fix = f"On Debian or Ubuntu: sudo apt install {package}." if package else ""
            return ClientError(
                f"{client} needs the system library {library}",
                fix=fix or "Install it with the system's package manager.",
            )
        lines = [line[:500] for line in log.splitlines() if line.strip()][-6:]
        said = "".join(f"\n  {line}" for line in lines)
        fix = "Check the model with `packager inspect`."
        if "INT8" in what:
            fix = (
                "It only supports uint8 and float32 inputs: build with --io uint8 or --io float32."
            )
        elif "NormalizationOptions" in what:
            fix = "Add mean and std with `packager metadata write`."
        return ClientError(f"{client} {what}{said}", fix=fix)


@contextlib.contextmanager
def open_session(client: Client, python: Path, model: Path) -> Iterator[Session]:
    """Starts the client on a model; ends it at the end.

    Raises:
        ClientError: it doesn't start, crashes, hangs, or doesn't accept the model.
    """
    script = Path(__file__).parent / "clients" / client.script
    environment = {**clean_environment(), "GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "2"}
    with files.temporary_file() as log:
        try:
            process = subprocess.Popen(
                [str(python), "-s", "-X", "utf8", str(script), str(model.absolute())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        except OSError as error:
            raise ClientError(
                f"{client.title} can't be started ({error})",
                where=python,
                fix="Delete its environment in the cache folder and run it again.",
            ) from None
        try:
            yield Session(client, process, log)
        finally:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            process.wait()
