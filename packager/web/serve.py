"""Serves a page from this machine until interrupted, for itself or for phones nearby."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import secrets
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packager import files
from packager.errors import SettingsError
from packager.written import OWN_FILES

_LOOPBACK = "127.0.0.1"
_SECONDS = 30.0  # that a browser may be silent
_PIECE = 1 << 16
_TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8", ".json": "application/json",
    ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm", ".png": "image/png",
}  # fmt: skip


@dataclass(frozen=True)
class Served:
    """The address of a served page.

    Attributes:
        address: https and with a random path where other machines reach it.
        certificate: SHA-256 of the certificate that was made for it, in hex; "" over plain HTTP.
    """

    address: str
    certificate: str


def serve_folder(
    folder: Path, ready: Callable[[Served], None], *, host: str | None = None, port: int = 0
) -> None:
    """Serves the files that are in `folder` now, and nothing else; ends when it is interrupted.

    Args:
        ready: called once with the address, when it is served.
        host: address of this machine to listen at, over HTTPS with a certificate made for it;
            0.0.0.0 and :: are all of them. By default only this machine reaches the page.
        port: to listen at; 0 is any that is free.

    Raises:
        SettingsError: the host isn't an address of this machine, the port is in use, or there is no
            openssl program to make a certificate.
    """
    if not 0 <= port <= 65535:
        raise SettingsError(f"{port} is not a port", where="--port", fix="Use 0 to 65535.")
    path = f"/{secrets.token_urlsafe(12)}/"
    content = {
        path + file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and file.name not in OWN_FILES
    }
    content[path] = folder / "index.html"
    family = socket.AF_INET6 if ":" in (host or "") else socket.AF_INET
    with (
        _listening(family, host or _LOOPBACK, port, content) as server,
        contextlib.ExitStack() as stack,
    ):
        shown, certificate, scheme = host or _LOOPBACK, "", "http"
        if host is not None:
            shown = _reachable(host, family)
            work = stack.enter_context(files.temporary_folder())
            context, certificate = _certified(shown, work)
            # The handshake is each connection's own thread's: nobody keeps the others waiting.
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        place = f"[{shown}]" if ":" in shown else shown
        ready(Served(f"{scheme}://{place}:{server.server_port}{path}", certificate))
        server.serve_forever()


def _listening(
    family: socket.AddressFamily, host: str, port: int, content: Mapping[str, Path]
) -> ThreadingHTTPServer:
    class Server(ThreadingHTTPServer):
        address_family = family
        allow_reuse_address = True
        block_on_close = False  # a browser keeps its connections open

        def handle_error(self, *_: object) -> None:
            """A browser that went away is none."""

    class Handler(_Handler):
        files = content

    try:
        return Server((host, port), Handler)
    except OSError as error:  # gaierror is one
        taken = isinstance(error, PermissionError) or "in use" in str(error)
        where, fix = "--host", "Use an address of this machine, such as 192.168.1.5, or 0.0.0.0."
        if taken:
            where, fix = "--port", "Choose another port, or leave it out to use any free one."
        raise SettingsError(
            f"can't listen on {host}, port {port} ({error.strerror or error})", where=where, fix=fix
        ) from None


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of known files."""

    files: Mapping[str, Path] = {}
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "packager", ""
    timeout = _SECONDS

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        path = self.files.get(unquote(urlsplit(self.path).path))
        if path is None:
            self.send_error(404)
            return
        with path.open("rb") as file:
            self.send_response(200)
            self.send_header("Content-Type", _TYPES.get(path.suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(path.stat().st_size))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            if body:
                shutil.copyfileobj(file, self.wfile, _PIECE)

    def log_message(self, *_: object) -> None:
        pass


def _reachable(host: str, family: socket.AddressFamily) -> str:
    """The address by which others reach this machine; `host` unless that is all of them."""
    if host not in ("0.0.0.0", "::"):
        return host
    # Nothing is sent: it only asks which of the addresses would be used (RFC 5737, RFC 3849).
    elsewhere = "2001:db8::1" if family == socket.AF_INET6 else "192.0.2.1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((elsewhere, 9))
        except OSError:
            raise SettingsError(
                "this machine has no network, so that no other machine can reach it",
                where=f"--host {host}",
                fix="Connect it, or leave out --host.",
            ) from None
        return str(probe.getsockname()[0])


def _certified(host: str, work: Path) -> tuple[ssl.SSLContext, str]:
    """A certificate for that host, made in the folder `work`, and its SHA-256."""
    openssl = shutil.which("openssl")
    key, certificate = work / "key.pem", work / "certificate.pem"
    fix = "Install OpenSSL 1.1.1 or newer (Debian: openssl), or leave out --host."
    if openssl is None:
        raise SettingsError("there is no openssl program", where="--host", fix=fix)
    try:
        ipaddress.ip_address(host)
        name = f"IP:{host}"
    except ValueError:
        name = f"DNS:{host}"
    done = subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "7", "-subj", "/CN=packager", "-addext", f"subjectAltName={name}",
            "-keyout", str(key), "-out", str(certificate),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SettingsError(
            f"openssl didn't create a certificate ({said})", where="--host", fix=fix
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    encoded = ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii"))
    return context, hashlib.sha256(encoded).hexdigest()
