"""Answers of a server with bytes changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from packager.data import download, http
from packager.data.download import fetch
from tests.data.raw_server import RawServer
from tests.fuzz.mutation import COUNT, check, mutated_bytes

BODY = b"0123456789" * 10
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n" + BODY,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + BODY + b"\r\n0\r\n\r\n",
    b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-99/100\r\n\r\n" + BODY,
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/other\r\n\r\n",
)  # fmt: skip


def test_fuzz_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PIECE_SECONDS", 2)
    monkeypatch.setattr(http, "TIMEOUT", (1, 1))
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    target = tmp_path / "file"
    with RawServer() as server:

        def read(answer: bytes) -> None:
            server.answer = answer
            target.unlink(missing_ok=True)
            fetch([server.url], target, sha256=hashlib.sha256(BODY).hexdigest())

        check(read, mutated_bytes(ANSWERS, COUNT))
