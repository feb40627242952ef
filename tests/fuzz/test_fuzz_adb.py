"""What a phone says, with bytes changed: frames of adb, and the words of the programs behind it."""

from __future__ import annotations

import struct

import pytest

from packager.bench.harness import _what_failed
from packager.bench.instrumentation import Transcript
from packager.bench.native_output import read_output, read_profile
from packager.bench.phone import find_phone
from packager.bench.vitals import phone_abis, phone_context
from tests.bench_device.conftest import MANIFESTS
from tests.bench_device.fake_adb import FakeAdb
from tests.fuzz.mutation import COUNT, check, mutated_bytes

WORDS = b"""[ro.build.version.sdk]: [35]
[ro.product.cpu.abilist]: [arm64-v8a]
cores=8
MemTotal:       7812345 kB
300000 1800000 1800000
Thermal Status: 0
"""
SHELL = struct.pack("<BI", 1, len(WORDS)) + WORDS + struct.pack("<BI", 3, 1) + b"\x00"
PULLED = struct.pack("<4sI", b"DATA", 5) + b"hello" + struct.pack("<4sI", b"DONE", 0)
INSTRUMENTED = b"""INSTRUMENTATION_STATUS: class=a.B
INSTRUMENTATION_STATUS: packager.done=int8 CPU
INSTRUMENTATION_STATUS: stack=java.lang.Error
\tat a.B
INSTRUMENTATION_STATUS_CODE: -2
INSTRUMENTATION_RESULT: longMsg=Process crashed.
INSTRUMENTATION_CODE: 0
"""


def test_fuzz_adb(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("adbutils")
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    with FakeAdb() as server:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(server.port))
        phone = find_phone()

        def shell(answer: bytes) -> None:
            server.answer = answer
            phone.run("x", seconds=2)
            list(phone.lines("x", silence=2))

        def context(answer: bytes) -> None:
            server.answer = answer
            phone_abis(phone, phone.properties())
            phone_context(phone, "litert", "")
            phone.free_bytes("/x")

        def pull(answer: bytes) -> None:
            server.answer = answer
            phone.pull("/x")

        check(shell, mutated_bytes([SHELL], COUNT // 3))
        check(context, mutated_bytes([SHELL], COUNT // 10, 1))
        check(pull, mutated_bytes([PULLED], COUNT // 3))


def test_fuzz_words() -> None:
    texts = [path.read_bytes() for path in sorted((MANIFESTS.parent / "outputs").glob("*.txt"))]

    def native(content: bytes) -> None:
        text = content.decode("utf-8", "replace")
        read_profile(text)
        read_output(text)

    def instrumentation(content: bytes) -> None:
        transcript = Transcript()
        for line in content.decode("utf-8", "replace").split("\n"):
            transcript.read(line)
        _what_failed(transcript, 1, False)

    check(native, mutated_bytes(texts))
    check(instrumentation, mutated_bytes([INSTRUMENTED]))
