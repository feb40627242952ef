from __future__ import annotations

import errno
import hashlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from packager.data import download, http
from packager.data.download import fetch
from packager.errors import DownloadError
from tests.data.raw_server import RawServer

BODY = bytes(range(256)) * 4096  # 1 MiB
SHA = hashlib.sha256(BODY).hexdigest()
CLOSED = "http://127.0.0.1:9/file"  # the discard port: nothing listens


def test_file_arrives_whole_with_its_bytes_counted(server: Any, heard: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY
    target = tmp_path / "deep" / "file"
    assert fetch([server.url("file")], target, sha256=SHA.upper(), progress=heard) == target
    assert target.read_bytes() == BODY
    assert heard.steps == heard.total == len(BODY)
    assert heard.phases == ["Downloading file"]
    assert [entry.name for entry in target.parent.iterdir()] == ["file"]


def test_second_call_needs_no_server(server: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY
    fetch([server.url("file")], tmp_path / "file", sha256=SHA[:8])
    server.stop()
    server.http = None
    fetch([CLOSED], tmp_path / "file", sha256=SHA)


def test_damaged_target_is_fetched_again(server: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY
    (tmp_path / "file").write_bytes(BODY[:-1])
    fetch([server.url("file")], tmp_path / "file", sha256=SHA)
    assert (tmp_path / "file").read_bytes() == BODY


def test_broken_connection_is_resumed_within_a_run(server: Any, heard: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY
    server.cut = [300_000, 300_000]
    fetch(
        [server.url("file")],
        tmp_path / "file",
        sha256=SHA,
        size=len(BODY),
        backoff=0.01,
        progress=heard,
    )
    assert (tmp_path / "file").read_bytes() == BODY
    starts = [asked for _, asked in server.requests]
    assert starts[0] == ""
    assert 0 < int(starts[1][6:-1]) < int(starts[2][6:-1])
    assert heard.steps == len(BODY)


def test_broken_connection_is_resumed_by_the_next_run(server: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY
    server.cut = [400_000, 0, 0]
    with pytest.raises(DownloadError, match=r"broke off.*resumes where it stopped"):
        fetch([server.url("file")], tmp_path / "file", sha256=SHA, backoff=0.01)
    assert not (tmp_path / "file").exists()
    server.requests.clear()
    fetch([server.url("file")], tmp_path / "file", sha256=SHA)
    assert server.requests[0][1].startswith("bytes=")
    assert (tmp_path / "file").read_bytes() == BODY
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_complete_part_of_a_killed_run_is_used_as_it_is(server: Any, tmp_path: Path) -> None:
    (tmp_path / f".file.{SHA[:8]}.tmp").write_bytes(BODY)
    fetch([server.url("file")], tmp_path / "file", sha256=SHA)
    assert server.requests == []
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize("kind", ["no ranges", "wrong range", "416", "other content"])
def test_part_that_can_not_be_continued_is_dropped(server: Any, tmp_path: Path, kind: str) -> None:
    server.files["file"] = BODY
    server.ranges = kind != "no ranges"
    server.wrong_range = kind == "wrong range"
    left = b"x" * (2 * len(BODY) if kind == "416" else 1000)
    (tmp_path / f".file.{SHA[:8]}.tmp").write_bytes(left)
    fetch([server.url("file")], tmp_path / "file", sha256=SHA, backoff=0.01)
    assert (tmp_path / "file").read_bytes() == BODY


def test_wrong_file_names_expected_and_got(server: Any, tmp_path: Path) -> None:
    server.files["file"] = b"<!DOCTYPE html>sign in"
    got = hashlib.sha256(server.files["file"]).hexdigest()
    with pytest.raises(DownloadError, match=f"expected SHA-256 {SHA}, got {got}") as caught:
        fetch([server.url("file")], tmp_path / "file", sha256=SHA, label="flowers")
    assert "could not download flowers" in str(caught.value)
    assert "sign-in page" in caught.value.fix
    assert len(server.requests) == 1
    assert not (tmp_path / "file").exists()


def test_longer_file_is_cut_off(server: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY
    with pytest.raises(DownloadError, match="longer than 1,000 bytes"):
        fetch([server.url("file")], tmp_path / "file", sha256=SHA, size=1000)


def test_second_address_is_used_when_the_first_fails(server: Any, tmp_path: Path) -> None:
    server.files.update(wrong=b"wrong", right=BODY)
    urls = [CLOSED, server.url("missing"), server.url("wrong"), server.url("right")]
    fetch(urls, tmp_path / "file", sha256=SHA, backoff=0.01)
    assert (tmp_path / "file").read_bytes() == BODY


def test_missing_file_is_not_asked_for_twice(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="/missing: the server answered 404 Not Found"):
        fetch([server.url("missing")], tmp_path / "file", sha256=SHA)
    assert len(server.requests) == 1


def test_busy_server_is_asked_again(server: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY
    server.statuses = [503, 429]
    fetch([server.url("file")], tmp_path / "file", sha256=SHA, backoff=0.01)
    assert len(server.requests) == 3


def test_offline_names_each_address_and_the_way_out(tmp_path: Path) -> None:
    other = "http://name.invalid/file"
    with pytest.raises(DownloadError) as caught:
        fetch(
            [CLOSED, other], tmp_path / "file", sha256=SHA, backoff=0.01, advice="Or pass --data."
        )
    message = str(caught.value)
    assert f"{CLOSED}: no connection" in message
    assert other in message
    assert message.endswith("Or pass --data.")


@pytest.mark.parametrize("scheme", ["file", "ftp"])
def test_only_http_is_read_or_followed(server: Any, tmp_path: Path, scheme: str) -> None:
    (tmp_path / "secret").write_bytes(BODY)
    elsewhere = f"{scheme}://{tmp_path}/secret"
    server.redirects["away"] = elsewhere
    for url in (elsewhere, server.url("away")):
        with pytest.raises(DownloadError, match=r"not.* http or https"):
            fetch([url], tmp_path / "file", sha256=SHA)
    assert len(server.requests) == 1


def test_http_redirect_is_followed(server: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY
    server.redirects["away"] = server.url("file")
    fetch([server.url("away")], tmp_path / "file", sha256=SHA)
    assert (tmp_path / "file").read_bytes() == BODY


def test_full_disk(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    server.files["file"] = BODY
    monkeypatch.setattr(download._Sink, "write", full)
    with pytest.raises(DownloadError, match=r"the disk is full\. Free some space"):
        fetch([server.url("file")], tmp_path / "file", sha256=SHA)


def test_target_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "flat").write_text("a file")
    with pytest.raises(DownloadError, match=r"can't write"):
        fetch([CLOSED], tmp_path / "flat" / "file", sha256=SHA)


def test_two_at_once_download_once(server: Any, tmp_path: Path) -> None:
    server.files["file"] = BODY * 4
    sha = hashlib.sha256(BODY * 4).hexdigest()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            fetch([server.url("file")], tmp_path / "file", sha256=sha)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert len(server.requests) == 1


def test_where_files_can_not_be_locked(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    server.files["file"] = BODY
    server.cut = [300_000]
    fetch([server.url("file")], tmp_path / "file", sha256=SHA, backoff=0.01)
    assert (tmp_path / "file").read_bytes() == BODY
    with pytest.raises(DownloadError, match="404"):
        fetch([server.url("missing")], tmp_path / "other", sha256=SHA)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("sha", ["", "abc", "g" * 64, "0" * 65])
def test_a_digest_that_is_none_is_a_mistake_of_the_caller(tmp_path: Path, sha: str) -> None:
    with pytest.raises(ValueError, match="hex digits"):
        fetch([CLOSED], tmp_path / "file", sha256=sha)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("answer", "more", "delay"),
    [
        (OK + b"Content-Length: 1000\r\n\r\n", b"x", 0.05),
        (OK + b"\r\n", b"x", 0.05),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.05),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.0),
        (b"HTTP/1.1 200 OK\r\n", b"X", 0.05),
    ],
    ids=["body", "endless", "chunks", "continue", "head"],
)
def test_a_server_that_drips_is_left(
    answer: bytes, more: bytes, delay: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PIECE_SECONDS", 0.2)
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    told = "it sends less than 327,680 bytes a second"
    if b"Continue" in more:  # newer Pythons count them, and soon break off
        told += "|no connection"
    with RawServer(answer, more, delay) as server, pytest.raises(DownloadError, match=told):
        fetch([server.url], tmp_path / "file", sha256=SHA, backoff=0.01)
    assert not (tmp_path / "file").exists()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("head", [b"", b"Content-Length: 99999999999999999999999\r\n"])
def test_an_endless_file_is_cut_off(
    head: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_MOST_BYTES", 1 << 20)
    with (
        RawServer(OK + head + b"\r\n", b"x" * 65536) as server,
        pytest.raises(DownloadError, match="longer than 1,048,576 bytes"),
    ):
        fetch([server.url], tmp_path / "file", sha256=SHA, backoff=0.01)
    assert not (tmp_path / "file").exists()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\n\r\n", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: /file\r\n\r\n", "it redirects in circles"),
        (OK + "Content-Length: ²\r\n\r\n".encode("latin-1"), ""),
        (OK + b"Content-Length: -5\r\n\r\nabc", ""),
        (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabc", ""),
        (OK + b"Content-Length: 5, 6\r\n\r\nabc", ""),
        (OK + b"Content-Range: bytes x-y\r\n\r\nabc", ""),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", ""),
        (OK + b"Content-Encoding: gzip\r\n\r\nabc", ""),
        (b"HTTP/9.9 abc\r\n\r\n", ""),
        (b"\x00" * 70_000, ""),
        (b"", ""),
    ],
)
def test_an_odd_answer_is_a_sentence(answer: bytes, said: str, tmp_path: Path) -> None:
    with RawServer(answer) as server, pytest.raises(DownloadError, match=f"/file: .*{said}"):
        fetch([server.url], tmp_path / "file", sha256=SHA, backoff=0.01)


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://", "http://a b:c/", "http://\udce9/", "http://x:99999/"]
)
def test_an_odd_address_is_a_sentence(url: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="could not download file"):
        fetch([url], tmp_path / "file", sha256=SHA, backoff=0.01)
