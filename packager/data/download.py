"""Downloads one file over HTTP: resumable, checked against its digest, and atomic."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from packager.data import http
from packager.errors import DownloadError
from packager.progress import SILENT, Phase, Progress

ATTEMPTS = 3
_MOST_BYTES = 1 << 30  # of a file whose size isn't known


def fetch(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str = "",
    md5: str = "",
    fault: Callable[[Path], str] | None = None,
    size: int | None = None,
    progress: Progress = SILENT,
    label: str = "",
    advice: str = "",
    backoff: float = 1.0,
) -> Path:
    """Downloads a file to `target`, unless it lies there already.

    The addresses are tried in order, each at most three times. What arrived before a break is
    kept in a hidden file beside `target` and the next attempt, or the next run, goes on from it.
    Two processes that want the same target take turns.

    Args:
        urls: http or https addresses of the same bytes.
        target: where the file goes; it appears there only when the check has passed.
        sha256: the digest in hex, or a published prefix of it of at least 8 digits.
        md5: the whole digest in hex, in place of `sha256`, where the publisher tells no other.
        fault: in place of a digest where none is known: what is wrong with a file, or "".
        size: length in bytes, when it is known: more than that is never taken, nor more than
            1 GiB when it isn't known.
        progress: told of one phase, whose steps are bytes.
        label: what the file is, for the person: "flower photos".
        advice: more sentences on what to do instead when the download fails.
        backoff: seconds before the second attempt; doubled for each one after.

    Returns:
        `target`.

    Raises:
        DownloadError: no address could be reached, or none gave the promised file, or the disk
            is full or not writable. The message names every address and what was wrong with it.
    """
    digest = _Digest("md5", md5.lower()) if md5 else _Digest("sha256", sha256.lower())
    length = "{32}" if md5 else "{8,64}"
    one_digest = re.fullmatch(f"[0-9a-f]{length}", digest.wanted) and not (md5 and sha256)
    wanted = _Checked(fault) if fault else digest
    if not urls or bool(one_digest) == bool(fault):
        raise ValueError(
            "fetch needs an address and one digest, 8 to 64 hex digits (MD5: 32), not "
            f"{urls}, {sha256!r}, {md5!r}"
        )
    label = label or target.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file() and not wanted.fault(target):
            return target
        part = target.with_name(f".{target.name[:100]}.{wanted.mark}.tmp")
        with (
            _alone(part) as part,
            progress.phase(f"Downloading {label}", size, counted=False) as phase,
        ):
            # Another process may have finished it while this one waited for its turn.
            if not (target.is_file() and not wanted.fault(target)):
                _fill(part, urls, wanted, size, phase, label, advice, backoff)
                part.replace(target)
            part.unlink(missing_ok=True)
    except OSError as error:
        what = "the disk is full" if error.errno == errno.ENOSPC else f"can't write ({error})"
        raise DownloadError(
            f"could not keep the download of {label}: {what}",
            where=target,
            fix="Free some space, or set PACKAGER_CACHE to a folder on another disk.",
        ) from error
    return target


class _Wanted(Protocol):
    """What makes a file the promised one; `mark` tells it from others in a name."""

    @property
    def mark(self) -> str: ...

    def fault(self, path: Path) -> str:
        """What is wrong with the file; empty for nothing."""


@dataclass(frozen=True)
class _Digest:
    """What a file's digest must begin with."""

    algorithm: str
    wanted: str

    @property
    def mark(self) -> str:
        return self.wanted[:8]

    def fault(self, path: Path) -> str:
        digest = hashlib.new(self.algorithm)
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        found = digest.hexdigest()
        if found.startswith(self.wanted):
            return ""
        name = {"md5": "MD5", "sha256": "SHA-256"}[self.algorithm]
        return f"expected {name} {self.wanted}, got {found}"


@dataclass(frozen=True)
class _Checked:
    """A check of the contents."""

    check: Callable[[Path], str]
    mark = "checked"

    def fault(self, path: Path) -> str:
        return self.check(path)


def _fill(
    part: Path,
    urls: Sequence[str],
    wanted: _Wanted,
    size: int | None,
    phase: Phase,
    label: str,
    advice: str,
    backoff: float,
) -> None:
    failures: dict[str, str] = {}
    with part.open("r+b") as file:
        sink = _Sink(file, size, phase)
        for url in urls:
            for attempt in range(ATTEMPTS):
                if attempt:
                    time.sleep(backoff * 2 ** (attempt - 1))
                resumed = sink.position > 0
                problem, final = (None, False)
                # An earlier run may have got all of it and been stopped before the check.
                if not (resumed and attempt == 0 and not wanted.fault(part)):
                    problem, final = _get(url, sink)
                if problem is None:
                    fault = wanted.fault(part)
                    if not fault:
                        return
                    if size is not None and sink.position < size:
                        problem = f"it ended after {sink.position:,} of {size:,} bytes"
                    else:
                        problem = f"not the expected file: {fault} ({sink.position:,} bytes)"
                        final = not resumed  # a stale start may be to blame: once more, from zero
                        sink.restart()
                failures[url] = problem
                if final:
                    break
    tried = "; ".join(f"{url}: {reason}" for url, reason in failures.items())
    fix = "Check the network connection (a proxy?) and run it again: it resumes where it stopped."
    if "not the expected" in tried:
        fix = "A proxy or a sign-in page may have answered instead; try from another network."
    raise DownloadError(f"could not download {label} ({tried})", fix=f"{fix} {advice}".strip())


def _get(url: str, sink: _Sink) -> tuple[str | None, bool]:
    """One attempt; says what went wrong and whether trying again is pointless."""
    if not url.startswith(("http://", "https://")):
        return "not an http or https address", True
    # The bytes as they are: a transparently unpacked archive would have another digest.
    headers = {"Accept-Encoding": "identity"}
    if sink.position:
        headers["Range"] = f"bytes={sink.position}-"
    try:
        try:
            for piece in http.pieces(url, headers, sink.answered):
                sink.write(piece)
        finally:
            sink.file.flush()
    except _TooLongError as error:
        sink.restart()
        return str(error), True
    except http.TransferError as error:
        return error.reason, error.final
    return None, False


class _TooLongError(Exception):
    """More bytes came than the file is long."""


class _Sink:
    """The unfinished file as the downloader sees it: counts, limits, restarts."""

    def __init__(self, file: IO[bytes], size: int | None, phase: Phase) -> None:
        self.file, self.size, self.phase = file, size, phase
        self.position = file.seek(0, os.SEEK_END)
        self.shown = 0
        self._show()

    def answered(self, response: Any) -> None:
        """Called with each answer's head, before its body is read."""
        status = response.status_code
        start = response.headers.get("Content-Range", "").partition("-")[0]
        if status in (200, 416) or (status == 206 and start != f"bytes {self.position}"):
            self.restart()  # the server can't, or won't, go on from where we are
        length = response.headers.get("Content-Length", "")
        if self.size is None and status in (200, 206) and re.fullmatch(r"[0-9]{1,15}", length):
            self._check(self.position + int(length))
            self.phase.set_total(self.position + int(length))

    def restart(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.position = 0

    def write(self, chunk: bytes) -> None:
        self._check(self.position + len(chunk))
        self.file.write(chunk)
        self.position += len(chunk)
        self._show()

    def _check(self, length: int) -> None:
        most = _MOST_BYTES if self.size is None else self.size
        if length > most:
            raise _TooLongError(f"not the expected file: it is longer than {most:,} bytes")

    def _show(self) -> None:
        if self.position > self.shown:  # never backwards, even when it starts over
            whole = "" if self.size is None else f" of {self.size / 1e6:.1f}"
            self.phase.advance(self.position - self.shown, f"{self.position / 1e6:.1f}{whole} MB")
            self.shown = self.position


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[Path]:
    """Holds `part` for this process alone, or a file of its own where files can't be locked."""
    try:
        import fcntl
    except ImportError:  # Windows
        part = part.with_name(f"{part.name[:-4]}.{os.getpid()}.tmp")
        part.touch()
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)
        return
    while True:
        with part.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(file.fileno()), part.stat())
            except FileNotFoundError:
                same = False
            if same:  # not the one that another process has just moved to the target
                yield part
                return
