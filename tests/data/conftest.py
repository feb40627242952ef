from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Server:
    """A web server on this machine whose answers a test scripts."""

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut: list[int] = field(default_factory=list)  # the next answers break off after so many bytes
    statuses: list[int] = field(default_factory=list)  # the next answers are these errors
    ranges: bool = True
    wrong_range: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)  # path, Range
    http: Any = None

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{path}"

    def stop(self) -> None:
        if self.http:
            self.http.shutdown()
            self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    script = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            wanted = self.headers.get("Range", "")
            script.requests.append((name, wanted))
            if script.statuses:
                self.send_error(script.statuses.pop(0))
                return
            if name in script.redirects:
                self.send_response(302)
                self.send_header("Location", script.redirects[name])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if name not in script.files:
                self.send_error(404)
                return
            body, start = script.files[name], 0
            if wanted and script.ranges:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(body):
                    self.send_error(416)
                    return
                if script.wrong_range:
                    start = 0
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            cut = script.cut.pop(0) if script.cut else len(body)
            self.wfile.write(body[start : start + cut])

        def log_message(self, *_: object) -> None:
            pass

    script.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=script.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield script
    script.stop()
    thread.join()
