"""gradlew under dash, bash and busybox, against a server on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from packager.android.project import AndroidProject
from tests.conftest import need

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gradlew.bat is for Windows")
GRADLE = '#!/bin/sh\necho "gradle in $PWD:"\nfor a in "$@"; do echo "<$a>"; done\nexit ${CODE:-0}\n'
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}


def distribution(script: str = GRADLE, name: str = "bin/gradle") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(f"gradle-0.1/{name}")
        entry.external_attr = 0o100755 << 16
        archive.writestr(entry, script)
        archive.writestr("gradle-0.1/lib/big", os.urandom(200_000))
    return buffer.getvalue()


class Server:
    """Serves `content` at any path; `mode` "part" breaks off halfway, "slow" never ends."""

    def __init__(self) -> None:
        self.content, self.mode, self.requests = distribution(), "whole", 0
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests += 1
                if server.mode == "redirect" and "moved" not in self.path:
                    self.send_response(302)
                    self.send_header("Location", "/moved/gradle-0.1-bin.zip")
                    self.end_headers()
                    return
                self.send_response(404 if server.mode == "missing" else 200)
                self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()
                half = len(server.content) // 2
                self.wfile.write(
                    server.content[: half if server.mode in ("part", "slow") else None]
                )
                if server.mode == "slow":
                    self.wfile.flush()
                    server.stop.wait(60)

            def log_message(self, *_: object) -> None:
                pass

        self.stop = threading.Event()
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.httpd.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http\\://127.0.0.1\\:{self.httpd.server_port}/gradle-0.1-bin.zip"

    def close(self) -> None:
        self.stop.set()
        self.httpd.shutdown()
        self.httpd.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with contextlib.closing(made):
        yield made


class Wrapper:
    """A project's gradlew, with a folder of its own for all that it fetches."""

    def __init__(self, project: AndroidProject, server: Server, folder: Path) -> None:
        self.folder, self.server = folder / "my project", server
        (self.folder / "gradle" / "wrapper").mkdir(parents=True)
        self.script = self.folder / "gradlew"
        shutil.copy2(project.folder / "gradlew", self.script)
        self.home = folder / "gradle home"
        self.shell = ["sh"]
        self.environment = {"PATH": os.environ["PATH"], "GRADLE_USER_HOME": str(self.home)}
        self.pin(hashlib.sha256(server.content).hexdigest())

    def pin(self, sha256: str, url: str | None = None, newline: str = "\n") -> None:
        lines = [f"distributionUrl={url or self.server.url}", f"distributionSha256Sum={sha256}", ""]
        place = self.folder / "gradle" / "wrapper" / "gradle-wrapper.properties"
        place.write_bytes(newline.join(lines).encode())

    def run(self, *arguments: str, script: Path | None = None, **environment: str):
        return subprocess.run(
            [*self.shell, str(script or self.script), *arguments],
            capture_output=True, text=True, timeout=60, cwd=self.folder.parent,
            env={**self.environment, **environment},
        )  # fmt: skip

    def left(self) -> list[str]:
        """Files below GRADLE_USER_HOME."""
        return sorted(
            p.relative_to(self.home).as_posix() for p in self.home.rglob("*") if p.is_file()
        )


@pytest.fixture
def wrapper(project: AndroidProject, server: Server, tmp_path: Path) -> Wrapper:
    need(shutil.which("java") is not None, "java")
    need(shutil.which("unzip") is not None, "unzip")
    return Wrapper(project, server, tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
def test_fetches_once_and_runs(wrapper: Wrapper, server: Server, shell: str) -> None:
    wrapper.shell = SHELLS[shell]
    if shell == "busybox" and shutil.which(shell) is None:
        pytest.skip("busybox is missing")
    need(shutil.which(wrapper.shell[0]) is not None, shell)
    first = wrapper.run("build", "-Pname=a b", "$x*", "")
    assert first.returncode == 0, first.stderr
    assert first.stdout == (
        f"gradle in {wrapper.folder.parent}:\n<build>\n<-Pname=a b>\n<$x*>\n<>\n"
    )
    sha256 = hashlib.sha256(server.content).hexdigest()
    store = f"wrapper/dists/gradle-0.1-bin/{sha256}/gradle-0.1"
    assert wrapper.left() == [f"{store}/bin/gradle", f"{store}/lib/big"]
    server.close()  # offline from here on
    again = wrapper.run(CODE="7")
    assert (again.returncode, again.stderr, server.requests) == (7, "", 1)


def test_runs_nothing_of_a_file_that_was_not_promised(wrapper: Wrapper, server: Server) -> None:
    server.content = distribution("#!/bin/sh\ntouch pwned\n")
    run = wrapper.run()
    assert run.returncode == 1
    assert "is not the file that was promised" in run.stderr
    assert hashlib.sha256(server.content).hexdigest() in run.stderr
    assert wrapper.left() == []
    assert not list(wrapper.folder.parent.rglob("pwned"))


def test_a_hash_is_a_must(wrapper: Wrapper) -> None:
    for sha256 in ("", "abc"):
        wrapper.pin(sha256)
        run = wrapper.run()
        assert run.returncode == 1
        assert "distributionSha256Sum is missing" in run.stderr
    assert not wrapper.home.exists()


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_offline(wrapper: Wrapper, server: Server, tool: str, tmp_path: Path) -> None:
    need(shutil.which(tool) is not None, tool)
    wrapper.environment["PATH"] = str(only(tmp_path / "bin", tool))
    server.close()
    run = wrapper.run()
    assert run.returncode == 1
    assert "could not fetch http://127.0.0.1:" in run.stderr
    assert "Check the network" in run.stderr
    assert wrapper.left() == []


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_broken_off_download_leaves_nothing_and_is_made_good(
    wrapper: Wrapper, server: Server, tool: str, tmp_path: Path
) -> None:
    need(shutil.which(tool) is not None, tool)
    wrapper.environment["PATH"] = str(only(tmp_path / "bin", tool))
    server.mode = "part" if tool == "curl" else "missing"  # wget asks for the rest, twenty times
    run = wrapper.run()
    assert run.returncode == 1
    assert "could not fetch" in run.stderr
    assert wrapper.left() == []
    server.mode = "redirect"
    assert wrapper.run().stdout.startswith("gradle in ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_leaves_nothing(
    wrapper: Wrapper, server: Server, number: signal.Signals
) -> None:
    server.mode = "slow"
    process = subprocess.Popen(
        [str(wrapper.script)], env=wrapper.environment, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    while not any(
        path.endswith(".zip") for path in (wrapper.left() if wrapper.home.exists() else [])
    ):
        time.sleep(0.02)
    os.killpg(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert wrapper.left() == []


def test_two_at_once(wrapper: Wrapper) -> None:
    runs = [
        subprocess.Popen([str(wrapper.script)], env=wrapper.environment, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert all(output.startswith(b"gradle in ") for output in outputs)
    assert len(wrapper.left()) == 2


def test_without_unzip_the_jdk_unpacks(wrapper: Wrapper, tmp_path: Path) -> None:
    need(shutil.which("jar") is not None, "jar")
    wrapper.environment["PATH"] = str(only(tmp_path / "bin", "curl", "jar", without="unzip"))
    assert wrapper.run("x").stdout.endswith(":\n<x>\n")


def test_through_a_link_and_with_windows_line_ends(wrapper: Wrapper, server: Server) -> None:
    wrapper.pin(hashlib.sha256(server.content).hexdigest().upper(), newline="\r\n")
    link = wrapper.folder.parent / "link"
    link.symlink_to("my project/gradlew")
    assert wrapper.run(script=link).stdout.startswith("gradle in ")


def test_a_zip_of_something_else(wrapper: Wrapper, server: Server) -> None:
    server.content = distribution(name="readme")
    wrapper.pin(hashlib.sha256(server.content).hexdigest())
    run = wrapper.run()
    assert run.returncode == 1
    assert "holds no bin/gradle" in run.stderr
    assert wrapper.left() == []


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("17.0.15", True), ("26-ea", True), ("1.8.0_402", False), ("11.0.2", False), ("odd", True)],
)
def test_looks_at_the_version_of_java(
    wrapper: Wrapper, tmp_path: Path, version: str, accepted: bool
) -> None:
    java = tmp_path / "jdk 1" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'Picked up _JAVA_OPTIONS: -Xmx1g' >&2\n"
                    f"echo 'openjdk version \"{version}\" 2025-01-01' >&2\n")  # fmt: skip
    java.chmod(0o755)
    run = wrapper.run(JAVA_HOME=str(java.parents[1]))
    assert (run.returncode == 0) is accepted
    if not accepted:
        assert f"is Java {version}, and Gradle needs 17 or newer" in run.stderr
        assert not wrapper.home.exists()


def test_says_where_java_is_missing(wrapper: Wrapper, tmp_path: Path) -> None:
    run = wrapper.run(JAVA_HOME="/nowhere")
    assert (run.returncode, "JAVA_HOME is /nowhere" in run.stderr) == (1, True)
    wrapper.environment["PATH"] = str(only(tmp_path / "bin", "curl", without="java"))
    run = wrapper.run()
    assert (run.returncode, "there is no Java" in run.stderr) == (1, True)


def test_says_where_it_cannot_write(wrapper: Wrapper) -> None:
    wrapper.home.write_text("a file")
    run = wrapper.run()
    assert (run.returncode, "can't make the folder" in run.stderr) == (1, True)


def only(folder: Path, *tools: str, without: str = "") -> Path:
    """A PATH with what the script always needs, and of the fetching tools only these."""
    basics = (
        "sh sed tail tr head cat dirname readlink mktemp mkdir rm mv chmod sha256sum java unzip"
    )
    folder.mkdir()
    for name in {*basics.split(), *tools} - {without}:
        found = shutil.which(name)
        if found is not None:
            (folder / name).symlink_to(found)
    return folder
