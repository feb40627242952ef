from __future__ import annotations

import hashlib
import http.client
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import zxingcpp

from packager.errors import SettingsError
from packager.web.serve import Served, serve_folder
from packager.web.site import check_serving
from tests.android_project.conftest import save_model


@contextmanager
def serving(model: Path, *options: str) -> Iterator[tuple[str, list[str]]]:
    """The address and all that was printed till it ends on Ctrl-C."""
    printed: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "packager", "web", str(model), "--serve", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                printed.append(line.rstrip("\n"))
                if line.startswith("Press Ctrl-C"):
                    break
            assert printed, process.communicate()
            yield printed[0], printed
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT
    assert said.startswith("error: Interrupted")


def ask(address: str, path: str, method: str = "GET") -> http.client.HTTPResponse:
    place = urlsplit(address)
    assert place.hostname is not None
    if place.scheme == "https":
        trusting = ssl._create_unverified_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            place.hostname, place.port, timeout=20, context=trusting
        )
    else:
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    connection.request(method, path)
    return connection.getresponse()


def test_serves_the_page_to_this_machine_and_nothing_else(tmp_path: Path) -> None:
    model = save_model(tmp_path)
    with serving(model) as (address, _):
        place = urlsplit(address)
        assert (place.scheme, place.hostname) == ("http", "127.0.0.1")
        assert len(place.path) > 12
        page = ask(address, place.path)
        assert page.getheader("Content-Type") == "text/html; charset=utf-8"
        assert b"<h1" in page.read()
        assert ask(address, f"{place.path}model.tflite").read() == model.read_bytes()
        head = ask(address, f"{place.path}main.js", "HEAD")
        assert head.getheader("Content-Type") == "text/javascript; charset=utf-8"
        assert head.read() == b""
        for path in ("/", "/index.html", f"{place.path}../", f"{place.path}%2e%2e/model.tflite",
                     f"{place.path}.packager.json", f"{place.path}/etc/passwd"):  # fmt: skip
            assert ask(address, path).status == 404, path
        assert ask(address, place.path, "POST").status == 501


def test_other_machines_get_it_over_https(tmp_path: Path) -> None:
    with serving(save_model(tmp_path), "--host", "127.0.0.1") as (address, printed):
        place = urlsplit(address)
        assert place.scheme == "https"
        assert place.port is not None
        with socket.create_connection(("127.0.0.1", place.port)):  # says nothing
            assert ask(address, place.path).status == 200
        shown = ssl.get_server_certificate(("127.0.0.1", place.port))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
        assert f"Its SHA-256 is {digest}." in printed
        trusting = ssl.create_default_context(cadata=shown)
        with (
            socket.create_connection(("127.0.0.1", place.port)) as plain,
            trusting.wrap_socket(plain, server_hostname="127.0.0.1") as safe,
        ):
            assert safe.version() in ("TLSv1.2", "TLSv1.3")
        assert read_code(printed) == [address]


def read_code(printed: list[str]) -> list[str]:
    """What a phone makes of the QR code on the terminal, black on white."""
    lines = [line for line in printed if len(line) > 30 and set(line) <= set(" ▀▄█")]
    dark = [[[c in above for c in line] for above in ("▀█", "▄█")] for line in lines]
    modules = np.array([row for pair in dark for row in pair])
    picture = np.where(modules, 0, 255).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def never(served: Served) -> None:
    raise AssertionError(served)


def test_what_cannot_be_served_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"--port: can't listen on .*{port}"):
            serve_folder(tmp_path, never, port=port)
    with pytest.raises(SettingsError, match="--host: can't listen on 192.0.2.1"):
        serve_folder(tmp_path, never, host="192.0.2.1")
    with pytest.raises(SettingsError, match="70000 is not a port"):
        serve_folder(tmp_path, never, port=70000)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="there is no openssl program"):
        serve_folder(tmp_path, never, host="127.0.0.1")


def test_options_that_do_not_go_together() -> None:
    with pytest.raises(SettingsError, match="Give only one of the two"):
        check_serving(Path("out"), serve=True, host=None, port=None)
    with pytest.raises(SettingsError, match="Give --out DIR or --serve"):
        check_serving(None, serve=False, host=None, port=None)
    with pytest.raises(SettingsError, match="--port: it can only be used with --serve"):
        check_serving(Path("out"), serve=False, host=None, port=8000)
