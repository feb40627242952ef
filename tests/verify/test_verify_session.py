import sys
from pathlib import Path

import pytest

from packager.errors import ClientError
from packager.verify import session
from packager.verify.environment import Client
from packager.verify.session import open_session

CLIENTS = Path(session.__file__).parent / "clients"
SCRIPT = """
import os, signal, sys
sys.path.insert(0, {clients!r})
from protocol import serve

def start(model):
    print("chatter on stdout")
    os.write(1, b"chatter of a C++ library")
    {start}
    return {{"version": "9", "model": model}}, lambda pixels: pixels, classify

def classify(pixels):
    print("more chatter")
    {classify}
    return [(1, "größer", float(pixels.sum())), (0, "b", 0.0)]

serve(start)
"""


@pytest.fixture
def opened(tmp_path):
    def begin(start="pass", classify="pass"):
        script = tmp_path / "fake.py"
        text = SCRIPT.format(clients=str(CLIENTS), start=start, classify=classify)
        script.write_text(text, encoding="utf-8")
        client = Client("fake", "Fake", "1.0", (), (), str(script))
        return open_session(client, Path(sys.executable), tmp_path / "mödel.tflite")

    return begin


def test_photos_go_in_and_answers_come_out(opened, tmp_path, capfd):
    with opened() as running:
        assert running.facts["version"] == "9"
        assert running.facts["python"] == f"3.{sys.version_info.minor}"
        assert running.facts["model"] == str(tmp_path / "mödel.tflite")
        for value in (1, 2):
            answer = running.classify(4, 2, bytes([value]) * 24)
            assert answer["scores"][0] == [1, "größer", 24.0 * value]
            assert answer["milliseconds"] >= 0
    assert capfd.readouterr() == ("", "")  # the chatter stays off the user's terminal


def test_photos_larger_than_a_pipe_pass(opened):
    with opened() as running:
        answer = running.classify(1000, 1000, bytes(3_000_000))
        assert answer["scores"][0][2] == 0.0


def test_a_crash_is_told_with_what_it_said_last(opened):
    crash = "os.write(2, b'first\\nlast words\\n'); os.kill(os.getpid(), signal.SIGSEGV)"
    with (
        pytest.raises(ClientError, match=r"Fake 1\.0 ended with signal 11(\n.*)*last words"),
        opened(classify=crash) as running,
    ):
        running.classify(1, 1, bytes(3))


@pytest.mark.parametrize(
    ("limit", "where"), [("_START_SECONDS", "start"), ("_PHOTO_SECONDS", "classify")]
)
def test_a_client_that_hangs_is_ended(opened, monkeypatch, limit, where):
    monkeypatch.setattr(session, limit, 1)
    with (
        pytest.raises(ClientError, match="did not answer within 1 seconds"),
        opened(**{where: "import time; time.sleep(60)"}) as running,
    ):
        running.classify(1, 1, bytes(3))


@pytest.mark.parametrize(
    ("problem", "message", "fix"),
    [
        (
            "raise ImportError('libusb-1.0.so.0: cannot open shared object file: No such file')",
            "needs the system library libusb-1.0.so.0",
            "sudo apt install libusb-1.0-0",
        ),
        (
            "raise OSError('libGLESv2.so.2: cannot open shared object file')",
            "needs the system library libGLESv2.so.2",
            "sudo apt install libgles2",
        ),
        (
            "raise OSError('libother.so.1: cannot open shared object file')",
            "needs the system library libother.so.1",
            "package manager",
        ),
        ("raise OSError('PortAudio library not found')", "PortAudio", "libportaudio2"),
        ("raise ValueError('Type mismatch ... got INT8')", "got INT8", "--io uint8"),
        (
            "raise ValueError('requires NormalizationOptions metadata')",
            "refused the model",
            "packager metadata write",
        ),
        ("raise KeyError('odd')", r"ended with status 1(\n.*)*KeyError: 'odd'", "packager inspect"),
    ],
)
def test_failures_say_what_to_do(opened, problem, message, fix):
    with pytest.raises(ClientError, match=message) as caught, opened(start=problem):
        pass
    assert fix in caught.value.fix


def test_a_python_that_is_gone(tmp_path):
    client = Client("fake", "Fake", "1.0", (), (), "x.py")
    with (
        pytest.raises(ClientError, match="can't be started"),
        open_session(client, tmp_path / "python", tmp_path),
    ):
        pass


RAW = """
import os, sys, time
os.write(1, {said!r})
{then}
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("said", "then", "message"),
    [
        (b"{broken\n", "time.sleep(60)", "sent an unreadable answer .it isn't valid JSON"),
        (b"[1]\n", "time.sleep(60)", "sent an unreadable answer .Expected `object`"),
        (b'{"version": 9, "python": "3"}\n', "time.sleep(60)", "`version` has an unexpected"),
        (b'{"version": "9"}\n', "time.sleep(60)", "`python` is missing"),
        (b"[" * 5000 + b"\n", "time.sleep(60)", "nested too deeply"),
        (b'{"version": "9", "pyth', "sys.exit(3)", "ended with status 3"),
        (b"", "os.close(1); time.sleep(60)", "closed its output but kept running"),
        (b"", "os.kill(os.getpid(), 9)", "ended with signal 9"),
        (b'{"version": "9", "python": "3"}\n{"scores": 3}\n', "time.sleep(60)", "`scores` has an"),
        (
            b'{"version": "9", "python": "3"}\n{"scores": [[0, "a", NaN]]}\n', "time.sleep(60)",
            "NaN is not a number",
        ),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told(tmp_path, monkeypatch, said, then, message):
    monkeypatch.setattr(session, "_END_SECONDS", 1)
    script = tmp_path / "fake.py"
    script.write_text(RAW.format(said=said, then=then))
    client = Client("fake", "Fake", "1.0", (), (), str(script))
    with (
        pytest.raises(ClientError, match=message),
        open_session(client, Path(sys.executable), tmp_path / "model.tflite") as running,
    ):
        running.classify(1, 1, bytes(3))
