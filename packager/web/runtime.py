"""LiteRT.js, which runs the model in the browser: a pinned version, each file with its digest."""

from __future__ import annotations

import base64
import hashlib
import tarfile
from pathlib import Path

from packager import files
from packager.cache import cache_folder
from packager.data.download import fetch
from packager.errors import DownloadError
from packager.progress import SILENT, Progress

VERSION = "2.5.3"
CDN = f"https://cdn.jsdelivr.net/npm/@litertjs/core@{VERSION}/"
ARCHIVE = f"https://registry.npmjs.org/@litertjs/core/-/core-{VERSION}.tgz"
ARCHIVE_SHA256 = "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd"
ARCHIVE_BYTES = 11_817_097
MAIN = "dist/index.js"
# "compat" is for browsers without relaxed SIMD (Safari). Digests as W3C's Subresource Integrity
# has them.
INTEGRITY = {
    MAIN: "sha384-MapSVJ/DPwvaWpp7q+Bid9O3uY1oB0KOU1QRMP+Mm5zdz5oMme/BUyX6dVAMWnPg",
    "wasm/litert_wasm_internal.js":
        "sha384-NB/Wc4iozynQO5jzJ2VFoMKbqMvwwFGWxJL/o63IJT6W2JfZbsSLxA2cF6H/mLpQ",
    "wasm/litert_wasm_internal.wasm":
        "sha384-AZ/Ak4CbDpjqpSr8WsnoL3Dcx6bDFA/k9b/jahok1TGHZ2OqIRjLBMiEmiNedhlC",
    "wasm/litert_wasm_compat_internal.js":
        "sha384-oh4nb8zDq6eVOpGeZE5gwDOJ16QujHLL8k/HEXt3XiPxr+8zn3YnkXP8P3BlJET1",
    "wasm/litert_wasm_compat_internal.wasm":
        "sha384-glAZ6WjS7tLRt89pbTPXvLC1c7DCaVSfL2ngn5gZJiUuPs76fWYJy7ZeFaD0PJXx",
}  # fmt: skip


def copy_runtime(folder: Path, progress: Progress = SILENT) -> int:
    """Puts the runtime's files into `folder`; gives their number.

    The archive is fetched from npm once and kept in the cache.

    Raises:
        DownloadError: it can't be fetched, or isn't the one that is wanted.
    """
    archive = fetch(
        [ARCHIVE],
        cache_folder() / "web" / f"litertjs-core-{VERSION}.tgz",
        sha256=ARCHIVE_SHA256,
        size=ARCHIVE_BYTES,
        progress=progress,
        label="LiteRT.js",
        advice="Without --bundle the page loads it in the browser.",
    )
    with tarfile.open(archive, "r:gz") as packed:
        for name, integrity in INTEGRITY.items():
            member = packed.extractfile(f"package/{name}")
            content = member.read() if member else b""
            if _integrity(content) != integrity:
                raise DownloadError(
                    f"{name} in it is not the expected file",
                    where=archive,
                    fix="Delete the archive, and run it again.",
                )
            files.write_bytes(folder / name, content)
    return len(INTEGRITY)


def _integrity(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"
