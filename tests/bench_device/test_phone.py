"""Finding a phone, and talking to it: a real adbd, and servers that say what a real one says."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packager.bench import phone as phone_module
from packager.bench.phone import Answer, PhoneLostError, find_phone
from packager.errors import DeviceError
from tests.bench_device.chroot_phone import PORT, ChrootPhone
from tests.bench_device.conftest import free_port
from tests.bench_device.fake_adb import FakeAdb

Plug = Callable[..., ChrootPhone]


@pytest.fixture
def adb_says(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A server that answers `host:devices`, as adb's does, with the test's list."""
    pytest.importorskip("adbutils")
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(listener.getsockname()[1]))
    answer = [b""]

    def serve() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                if connection.recv(64):
                    connection.sendall(answer[0])

    def say(listing: str) -> None:
        answer[0] = b"OKAY%04x" % len(listing) + listing.encode()

    threading.Thread(target=serve, daemon=True).start()
    say.raw = lambda text: answer.__setitem__(0, text)  # type: ignore[attr-defined]
    yield say
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    ("listing", "serial", "what", "fix"),
    [
        ("", None, "no phone is connected", "USB debugging"),
        ("A1\tdevice\nB2\tdevice\n", None, "there are 2 phones: A1, B2", "--device SERIAL"),
        ("A1\tdevice\n", "B2", "serial is connected; connected phones: A1", "devices"),
        ("", "B2", "connected phones: none", "adb devices"),
        ("A1\tunauthorized\n", None, "has not allowed this computer", "question on its screen"),
        ("A1\tauthorizing\n", None, "still asking whether to trust", "Accept"),
        ("A1\toffline\n", None, "does not answer", "adb reconnect offline"),
        ("A1\tno permissions (user in plugdev group; are your udev rules wrong?); see [http://x]\n",
         None, "can't be opened by this user", "udev"),
        ("A1\trecovery\n", None, "is in the state 'recovery'", "Start it normally"),
        ("A1\tdevice\nB2\toffline\n", "B2", "does not answer", "reconnect"),
    ],
)  # fmt: skip
def test_a_phone_that_cannot_be_used_is_told_with_what_to_do(
    adb_says: Callable[[str], None], listing: str, serial: str | None, what: str, fix: str
) -> None:
    adb_says(listing)
    with pytest.raises(DeviceError) as raised:
        find_phone(serial)
    assert what in raised.value.what
    assert fix in raised.value.fix


def test_the_only_phone_that_is_ready_is_taken(adb_says: Callable[[str], None]) -> None:
    adb_says("A1\tunauthorized\nB2\tdevice\nC3\toffline\n")
    assert find_phone().serial == "B2"


def test_the_serial_of_the_environment_counts_and_a_given_one_more(
    adb_says: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    adb_says("A1\tdevice\nB2\tdevice\n")
    monkeypatch.setenv("ANDROID_SERIAL", "B2")
    assert find_phone().serial == "B2"
    assert find_phone("A1").serial == "A1"


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"FAIL0004oops", b""])
def test_a_server_that_talks_nonsense(adb_says: Callable[[str], None], said: bytes) -> None:
    adb_says.raw(said)  # type: ignore[attr-defined]
    with pytest.raises(DeviceError, match="server does not answer"):
        find_phone()


def test_no_adb_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    adbutils = pytest.importorskip("adbutils")
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(free_port()))
    for name in ("ADBUTILS_ADB_PATH", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(adbutils._utils, "_is_valid_exe", lambda _: False)
    with pytest.raises(DeviceError, match="there is no adb"):
        find_phone()


def test_a_server_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("adbutils")
    program = tmp_path / "platform-tools" / "adb"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho cannot bind listener: Address in use >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path))
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(free_port()))
    with pytest.raises(DeviceError, match="could not be started") as raised:
        find_phone()
    assert "cannot bind listener" in raised.value.what
    assert raised.value.where == str(program)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAdb]:
    pytest.importorskip("adbutils")
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    with FakeAdb() as server:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(server.port))
        yield server


def frame(kind: int, content: bytes, size: int | None = None) -> bytes:
    return struct.pack("<BI", kind, len(content) if size is None else size) + content


EXIT = frame(3, b"\x07")


def test_a_phone_that_is_well(fake: FakeAdb) -> None:
    fake.answer = frame(1, b"out\n") + frame(2, b"err\n") + frame(1, b"") + EXIT
    assert find_phone().run("x") == Answer(7, "out\nerr\n")
    assert list(find_phone().lines("x", silence=5)) == ["out", "err", 7]
    fake.answer = struct.pack("<4sI", b"DATA", 3) + b"abc" + struct.pack("<4sI", b"DONE", 0)
    assert find_phone().pull("/x") == b"abc"
    fake.answer = struct.pack("<4sI", b"FAIL", 2) + b"no"
    assert find_phone().pull("/x") is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("answer", "more", "delay", "said"),
    [
        (frame(3, b""), b"", 0, "can't be understood while running x .an exit status of 0 bytes"),
        (frame(1, b"", 0xFFFFFFFF), b"", 0, "a message of 4,294,967,295 bytes"),
        (b"", frame(1, b""), 0.0, "was silent for 0 s while running x"),
        (b"", frame(9, b"x"), 0.0, "was silent for 0 s while running x"),
        (frame(1, b"", 1000), b"x", 0.05, "was silent for 0 s while running x"),
        (b"", b"\x01", 0.1, "was silent for 0 s while running x"),
        (b"", frame(1, b"x" * 65536), 0.0, "sent more than 64 MiB while running x"),
        (b"", b"", 0, "connection to the phone broke while running x"),
    ],
    ids=["no status", "huge", "empty", "unknown", "drips", "drips heads", "floods", "ends"],
)
def test_a_phone_that_is_not(
    fake: FakeAdb, answer: bytes, more: bytes, delay: float, said: str
) -> None:
    fake.answer, fake.more, fake.delay = answer, more, delay
    with pytest.raises(DeviceError, match=said):
        find_phone().run("x", seconds=0.3 if "silent" in said else 20)


@pytest.mark.timeout(60)
def test_a_line_without_end_and_a_command_without_end(
    fake: FakeAdb, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.more = frame(1, b"x" * 65536)
    with pytest.raises(DeviceError, match="more than 1 MiB while writing a line of x"):
        list(find_phone().lines("x", silence=1))
    fake.more = frame(1, b"x\n" * 30_000)
    monkeypatch.setattr(phone_module, "_MOST_STREAM", 1 << 20)
    with pytest.raises(DeviceError, match="more than 1 MiB while running x"):
        list(find_phone().lines("x", silence=1))
    fake.more, fake.delay = frame(1, b"x"), 0.1
    monkeypatch.setattr(phone_module, "_MOST_SILENCES", 2)
    with pytest.raises(DeviceError, match="while running x"):
        find_phone().run("x", seconds=0.5)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (struct.pack("<4sI", b"DATA", 65536) + bytes(65536), "more than 64 MiB while pulling x"),
        (struct.pack("<4sI", b"DATA", 1 << 30), "a message of 1,073,741,824 bytes"),
    ],
)
def test_a_file_without_end(fake: FakeAdb, more: bytes, said: str) -> None:
    fake.more = more
    with pytest.raises(DeviceError, match=said):
        find_phone().pull("/sdcard/x")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("raw", [b"OKAY-001x", b"OKAYzzzz", b"OKAY\xff\xff\xff\xff", b"FAIL", b"O"])
def test_a_server_of_odd_lengths(fake: FakeAdb, raw: bytes) -> None:
    fake.raw = raw
    with pytest.raises(DeviceError, match="server does not answer"):
        find_phone()


@pytest.mark.slow
class TestRealDaemon:
    def test_two_phones_ask_for_a_serial(self, plug_in: Plug) -> None:
        one, two = plug_in(), plug_in()
        with pytest.raises(DeviceError, match="there are 2 phones") as raised:
            find_phone()
        assert one.serial in raised.value.what
        assert two.serial in raised.value.what
        assert find_phone(two.serial).run("echo", "here") == Answer(0, "here\n")

    def test_commands_their_output_and_status(self, phone: ChrootPhone) -> None:
        found = find_phone()
        assert found.run("sh", "-c", "echo out; echo err >&2; exit 7") == Answer(7, "out\nerr\n")
        argument = "a b'c\"d$HOME;`e`\\"
        assert found.run("echo", argument).text == f"{argument}\n"
        lines = found.lines("sh", "-c", r"printf 'one\r\ntwo\n\377\nlast'; exit 3", silence=10)
        assert list(lines) == ["one", "two", "\N{REPLACEMENT CHARACTER}", "last", 3]

    def test_properties_and_free_space(self, phone: ChrootPhone) -> None:
        found = find_phone()
        assert found.properties()["ro.product.model"] == "Road Runner 9"
        phone.set_free(1234)
        assert found.free_bytes("/data/local/tmp") == 1234 * 1024
        phone.write("phone/df", "df: permission denied\n")
        assert found.free_bytes("/data/local/tmp") is None

    def test_files_there_and_back(self, phone: ChrootPhone, tmp_path: Path) -> None:
        content = random.Random(3).randbytes(1_000_001)
        local = tmp_path / "file, with a comma"
        local.write_bytes(content)
        heard: list[int] = []
        found = find_phone()
        target = "/data/local/tmp/new/folder/name, 1"
        found.push(local, target, tell=heard.append)
        assert (phone.root / target[1:]).read_bytes() == content
        assert sum(heard) == len(content)
        assert found.pull(target) == content
        assert found.pull("/data/local/tmp/none") is None
        found.push(local, target, executable=True)
        assert (phone.root / target[1:]).stat().st_mode & 0o100

    def test_a_full_phone_refuses_a_file(self, plug_in: Plug, tmp_path: Path) -> None:
        plug_in(size="1m")
        local = tmp_path / "big.tflite"
        local.write_bytes(bytes(5_000_000))
        with pytest.raises(DeviceError, match="No space left on device") as raised:
            find_phone().push(local, "/data/local/tmp/big.tflite")
        assert not isinstance(raised.value, PhoneLostError)
        assert "Free some storage" in raised.value.fix
        assert find_phone().free_bytes("/data/local/tmp") is not None  # and it still answers

    @pytest.mark.parametrize("fault", ["daemon killed", "cable pulled", "server killed"])
    def test_gone_while_pushing(
        self, phone: ChrootPhone, tmp_path: Path, adb_port: int, fault: str
    ) -> None:
        local = tmp_path / "big.tflite"
        local.write_bytes(bytes(20_000_000))
        found = find_phone()
        phone.cable.trap("to", 2_000_000, _fault(fault, phone, adb_port))
        with pytest.raises(PhoneLostError, match="while pushing big.tflite") as raised:
            found.push(local, "/data/local/tmp/big.tflite")
        assert "run it again" in raised.value.fix.lower()

    @pytest.mark.parametrize("fault", ["daemon killed", "cable pulled", "server killed"])
    def test_gone_while_pulling(self, phone: ChrootPhone, adb_port: int, fault: str) -> None:
        phone.write("sdcard/big.json", bytes(20_000_000))
        found = find_phone()
        phone.cable.trap("from", 2_000_000, _fault(fault, phone, adb_port))
        with pytest.raises(PhoneLostError, match="while pulling big.json"):
            found.pull("/sdcard/big.json")

    @pytest.mark.parametrize("fault", ["daemon killed", "cable pulled", "server killed"])
    def test_gone_while_a_command_runs(self, phone: ChrootPhone, adb_port: int, fault: str) -> None:
        lines = find_phone().lines("sh", "-c", "echo begun; sleep 60", silence=30)
        assert next(lines) == "begun"
        _fault(fault, phone, adb_port)()
        with pytest.raises(PhoneLostError, match="while running sh"):
            next(lines)

    def test_gone_before(self, phone: ChrootPhone) -> None:
        found = find_phone()
        phone.kill()
        phone.cable.pull()
        with pytest.raises(PhoneLostError):
            found.run("true")

    def test_a_silent_phone_is_not_waited_for_for_ever(self, phone: ChrootPhone) -> None:
        with pytest.raises(DeviceError, match="was silent for 1 s while running sleep"):
            find_phone().run("sleep", "30", seconds=1)

    def test_a_hanging_phone(self, phone: ChrootPhone) -> None:
        found = find_phone()
        phone.stop()
        with pytest.raises(DeviceError, match="was silent for 1 s"):
            found.run("true", seconds=1)

    def test_nothing_listens_but_on_loopback(self, phone: ChrootPhone) -> None:
        listening = set()
        for table in ("tcp", "tcp6"):
            for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                address, port = row.split()[1].split(":")
                if row.split()[3] == "0A":
                    listening.add((address, int(port, 16)))
        loopback = "0100007F"
        ours = int(phone.serial.rpartition(":")[2])
        assert {address for address, port in listening if port == ours} == {loopback}
        assert PORT not in {port for _, port in listening}


def _fault(name: str, phone: ChrootPhone, adb_port: int) -> Callable[[], None]:
    def kill_server() -> None:
        from adbutils import AdbClient

        AdbClient(port=adb_port).server_kill()

    return {
        "daemon killed": phone.kill,
        "cable pulled": phone.cable.pull,
        "server killed": kill_server,
    }[name]
