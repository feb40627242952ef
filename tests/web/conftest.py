"""What the page is tried with: npm's packages, a server for a folder, Debian's Chromium."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from packager.web import runtime
from tests.conftest import need

PACKAGES = {"core": f"@litertjs/core@{runtime.VERSION}", "typescript": "typescript@5.9.3"}


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of the folder's files."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def end_headers(self) -> None:
            self.send_header("Cache-Control", "no-store")  # tests change files within a second
            self.send_header("Access-Control-Allow-Origin", "*")  # as the CDN does
            super().end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    need(found is not None, f"{name} (Debian: {package})")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def node() -> str:
    return program("node", "nodejs")


@pytest.fixture(scope="session")
def npm_packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The archives of `PACKAGES`, as npm gives them."""
    folder = tmp_path_factory.mktemp("npm")
    subprocess.run(
        [program("npm", "npm"), "pack", "--silent", *PACKAGES.values()],
        cwd=folder, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return {name: next(folder.glob(f"*{name}-*.tgz")) for name in PACKAGES}


@pytest.fixture(scope="session")
def unpacked(npm_packages: dict[str, Path]) -> dict[str, Path]:
    """Folders of what is in the archives."""
    folders = {}
    for name, archive in npm_packages.items():
        folder = archive.parent / name
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        folders[name] = folder / "package"
    return folders


@pytest.fixture
def npm_here(npm_packages: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """npm's archive of the runtime comes from this machine."""
    with served(npm_packages["core"].parent) as address:
        monkeypatch.setattr(runtime, "ARCHIVE", f"{address}/{npm_packages['core'].name}")
        yield
