"""A virtual environment for each client, since their dependencies conflict."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packager.cache import cache_folder
from packager.errors import ClientError
from packager.files import held
from packager.progress import SILENT, Progress

_INSTALL_SECONDS = 1800


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
    try:
        with held(folder, wait=True) as place:
            if not python.exists():  # another process may have just made it
                with (
                    contextlib.suppress(FileExistsError),
                    place.filled(_demand_broken) as fresh,
                    progress.phase(f"Installing {client.title} {client.version} (once)"),
                ):
                    _install(fresh, base, client)
    except OSError as error:
        raise ClientError(
            f"the environment for {client.title} can't be written ({error.strerror or error})",
            where=folder,
            fix="Free some space, or set PACKAGER_CACHE to a folder that you may write in.",
        ) from error
    if not python.exists():
        raise ClientError(
            f"the environment for {client.title} could not be put in place",
            where=folder,
            fix="Delete that folder and try again.",
        )
    return python


def _python_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _demand_broken(folder: Path) -> None:
    """Where files can't be locked, another process may be running what it has just made."""
    if _python_in(folder).exists():
        raise FileExistsError(folder)


def _install(fresh: Path, base: Path, client: Client) -> None:
    # A virtual environment works wherever it is renamed to, as long as only its python is run.
    _run([str(base), "-m", "venv", str(fresh)], client)
    install = [
        str(_python_in(fresh)), "-m", "pip", "install", "--no-input",
        "--disable-pip-version-check", "--only-binary=:all:", *client.requirements,
    ]  # fmt: skip
    _run(install, client)


# Runs a command, and kills it and all that it started once standard input ends: with its parent,
# however that ended.
_WATCHED = """
import os, signal, subprocess, sys, threading

def watch():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=watch, daemon=True).start()
os._exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL) & 255)
"""


def run_watched(command: Sequence[str], *, seconds: float) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command that ends when we do.

    Raises `OSError` when it can't be started, `subprocess.TimeoutExpired` after `seconds`.
    """
    alone = os.name == "posix"
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _WATCHED, *command] if alone else command,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        errors="replace", env=clean_environment(), start_new_session=alone,
    )  # fmt: skip
    assert process.stdin is not None
    held_open, process.stdin = process.stdin, None  # `communicate` would close it
    try:
        out, said = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            if alone:
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
        with contextlib.suppress(OSError):
            held_open.close()
    return process.returncode, out, said


def _run(command: list[str], client: Client) -> None:
    try:
        status, out, said = run_watched(command, seconds=_INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClientError(
            f"{client.title} {client.version} could not be installed ({error})",
            fix="Check the network, and run it again.",
        ) from None
    if status:
        lines = (said.strip() or out.strip()).splitlines()[-6:]
        fix = "Check that pip reaches PyPI from here, and run it again."
        if "ensurepip" in out + said:
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
