"""A virtual environment for each client: their pins fit neither ours nor each other's."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packager.cache import cache_folder
from packager.errors import ClientError
from packager.progress import SILENT, Progress

_INSTALL_SECONDS = 1800
_ABANDONED_SECONDS = 2 * _INSTALL_SECONDS


@dataclass(frozen=True)
class Client:
    """A program that runs models, as PyPI has it.

    Attributes:
        name: what `--client` takes; title: its name in the field.
        version: of the package `requirements[0]` pins.
        requirements: what pip installs.
        pythons: the minor versions of Python 3 that it has wheels for, best first.
        script: what its Python runs, a file in `clients/`.
    """

    name: str
    title: str
    version: str
    requirements: tuple[str, ...]
    pythons: tuple[int, ...]
    script: str


CLIENTS = {
    client.name: client
    for client in (
        Client(
            "mediapipe",
            "MediaPipe Tasks",
            "1.2.2",
            ("mediapipe==1.2.2",),
            (12, 11, 13, 10),
            "mediapipe_client.py",
        ),
        Client(
            "task-library",
            "TFLite Task Library",
            "0.4.4",
            # Built against numpy 1; its generated protobuf code ends with protobuf 3.
            ("tflite-support==0.4.4", "protobuf<4", "numpy<2"),
            (11, 10, 9),
            "task_library_client.py",
        ),
    )
}


def environment_python(client: Client, progress: Progress = SILENT) -> Path:
    """The Python of the client's environment, which is made when it isn't there yet.

    It lies in the cache folder under `clients/NAME-VERSION-pyXY`. It appears there whole or not
    at all, and processes that make it at the same time end up with one.

    Raises:
        ClientError: there is no Python that the client works with, or pip failed.
    """
    base, minor = find_python(client.pythons, client.title)
    folder = cache_folder() / "clients" / f"{client.name}-{client.version}-py3{minor}"
    python = _python_in(folder)
    if python.exists():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    # A virtual environment works wherever it is renamed to, as long as only its python is run.
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp"))
    try:
        with progress.phase(f"Installing {client.title} {client.version} (once)"):
            _run([str(base), "-m", "venv", str(fresh)], client)
            install = [
                str(_python_in(fresh)), "-m", "pip", "install", "--no-input",
                "--disable-pip-version-check", "--only-binary=:all:", *client.requirements,
            ]  # fmt: skip
            _run(install, client)
        with contextlib.suppress(OSError):  # another process was first: theirs is as good
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if not python.exists():
        raise ClientError(
            f"the environment for {client.title} could not be put in place",
            where=folder,
            fix="Delete that folder and try again.",
        )
    return python


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _clear(folder: Path) -> None:
    """Takes away an environment whose base Python is gone, and what killed processes left."""
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
    for left in folder.parent.glob(f".{folder.name}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _run(command: list[str], client: Client) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INSTALL_SECONDS,
            env=clean_environment(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClientError(
            f"{client.title} {client.version} could not be installed ({error})",
            fix="Check the network, and run it again.",
        ) from None
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()[-6:]
        fix = "Check that pip reaches PyPI from here, and run it again."
        if "ensurepip" in done.stdout + done.stderr:
            fix = "Install Python's venv module: sudo apt install python3-venv."
        raise ClientError(
            f"{client.title} {client.version} could not be installed:\n  " + "\n  ".join(lines),
            where=command[0],
            fix=fix,
        )


def clean_environment() -> dict[str, str]:
    """The environment variables without those that would lead a client's Python elsewhere."""
    ours = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    return {key: value for key, value in os.environ.items() if key not in ours}


def find_python(minors: tuple[int, ...], title: str = "the client") -> tuple[Path, int]:
    """A Python 3 on this machine of one of these minor versions, and which it is.

    Looked through: the one that runs packager, PATH, pyenv, uv, and `py` on Windows.

    Raises:
        ClientError: there is none.
    """
    running = sys.version_info.minor
    if running in minors:
        return Path(sys.executable), running
    for minor in minors:
        for candidate in _candidates(minor):
            if _is_version(tuple(candidate), minor):
                path = candidate[0] if len(candidate) == 1 else _real_path(tuple(candidate))
                return Path(path), minor
    oldest, newest = min(minors), max(minors)
    raise ClientError(
        f"{title} needs Python 3.{oldest} to 3.{newest}, and there is none on this machine",
        fix=f"Install one, for example `uv python install 3.{newest}` or "
        f"`pyenv install 3.{newest}`, and run it again.",
    )


def _candidates(minor: int) -> Iterator[list[str]]:
    if os.name == "nt" and (launcher := shutil.which("py")):
        yield [launcher, f"-3.{minor}"]
    if found := shutil.which(f"python3.{minor}"):
        yield [found]
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    data = Path(os.environ.get("XDG_DATA_HOME", home / ".local" / "share"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", data / "uv" / "python"))
    places = ((pyenv, f"3.{minor}.*"), (uv, f"cpython-3.{minor}.*"))
    for folder, pattern in places:
        for version in sorted(folder.glob(pattern), reverse=True):
            yield [str(version / ("python.exe" if os.name == "nt" else "bin/python3"))]


def _is_version(command: tuple[str, ...], minor: int) -> bool:
    return _ask(command, "import sys; print(*sys.version_info[:2])") == f"3 {minor}"


def _real_path(command: tuple[str, ...]) -> str:
    return _ask(command, "import sys; print(sys.executable)")


@functools.cache
def _ask(command: tuple[str, ...], code: str) -> str:
    # pyenv's shims are there for versions that aren't active, and then fail: so each is asked.
    try:
        done = subprocess.run(
            [*command, "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            env=clean_environment(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
