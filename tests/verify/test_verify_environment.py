import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from packager.errors import ClientError
from packager.verify import environment
from packager.verify.environment import CLIENTS, Client, environment_python, find_python

RUNNING = sys.version_info.minor
CLIENT = Client("fake", "Fake", "1.0", ("fake==1.0",), (RUNNING,), "fake.py")
posix = pytest.mark.skipif(os.name == "nt", reason="fake Pythons are shell scripts")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PACKAGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "clients"


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine with no other Python than the running one."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    environment._ask.cache_clear()
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fake_python(path, says="3 6", status=0):
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {says}\nexit {status}\n")
    path.chmod(0o755)


def installer(monkeypatch, then=lambda _folder: None):
    """Takes the place of venv and pip."""

    def run(command, _client):
        if command[1:3] == ["-m", "venv"]:
            python = environment._python_in(Path(command[3]))
            python.parent.mkdir(parents=True)
            python.write_text("")
        else:
            then(Path(command[0]).parents[1])

    monkeypatch.setattr(environment, "_run", run)


def test_the_running_python_comes_first():
    assert find_python((6, RUNNING)) == (Path(sys.executable), RUNNING)


@pytest.mark.usefixtures("nowhere")
def test_a_missing_python_is_named_with_a_remedy():
    with pytest.raises(ClientError, match=r"Task Library needs Python 3\.5 to 3\.7") as caught:
        find_python((6, 5, 7), "Task Library")
    assert "uv python install 3.7" in caught.value.fix


@posix
def test_a_shim_of_an_inactive_version_is_passed_over(nowhere):
    fake_python(nowhere / "bin" / "python3.6", status=127)
    wanted = nowhere / "pyenv" / "versions" / "3.6.15" / "bin" / "python3"
    fake_python(wanted)
    assert find_python((6,)) == (wanted, 6)


@posix
def test_a_python_that_is_another_version_is_passed_over(nowhere):
    fake_python(nowhere / "bin" / "python3.6", says="3 7")
    with pytest.raises(ClientError):
        find_python((6,))
    environment._ask.cache_clear()
    fake_python(nowhere / "uv" / "cpython-3.6.9-linux" / "bin" / "python3")
    assert find_python((6,))[1] == 6


def test_an_environment_is_made_once(monkeypatch, cache):
    made = []
    installer(monkeypatch, made.append)
    first = environment_python(CLIENT)
    assert environment_python(CLIENT) == first
    assert len(made) == 1
    assert names(cache) == [f"fake-1.0-py3{RUNNING}"]


def test_nothing_is_left_when_installing_fails(monkeypatch, cache):
    def fail(_folder):
        raise ClientError("no network", fix="Wait.")

    installer(monkeypatch, fail)
    with pytest.raises(ClientError, match="no network"):
        environment_python(CLIENT)
    assert not cache.exists()


def test_of_two_that_install_at_once_the_first_stays(monkeypatch, cache):
    def other_process(_folder):
        python = environment._python_in(cache / f"fake-1.0-py3{RUNNING}")
        python.parent.mkdir(parents=True)
        python.write_text("theirs")

    installer(monkeypatch, other_process)
    assert environment_python(CLIENT).read_text() == "theirs"
    assert len(names(cache)) == 1


def test_broken_and_abandoned_environments_are_replaced(monkeypatch, cache):
    broken = cache / f"fake-1.0-py3{RUNNING}"
    (broken / "lib").mkdir(parents=True)
    (cache / f".{broken.name}.abcdefgh.tmp").mkdir()
    (cache / f".other.{broken.name}.abcdefgh.tmp").mkdir()  # somebody else's
    installer(monkeypatch)
    assert environment_python(CLIENT).exists()
    assert names(cache) == sorted([broken.name, f".other.{broken.name}.abcdefgh.tmp"])


@posix
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_an_installation_started_ends_with_it(how, tmp_path):
    """pip starts processes of its own, and a kill leaves nobody to end them."""
    beat = tmp_path / "beat"
    grandchild = (
        "import sys, time\nwhile True:\n    open(sys.argv[1], 'a').write('.')\n    time.sleep(0.01)"
    )
    child = "import subprocess, sys; subprocess.call([sys.executable, '-c', *sys.argv[1:]])"
    parent = (
        "import sys\nfrom packager.verify.environment import run_watched\n"
        "run_watched([sys.executable, '-c', *sys.argv[1:]], seconds=60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent, child, grandchild, str(beat)],
        stderr=subprocess.DEVNULL,
    )
    until(beat.exists)
    process.send_signal(how)
    process.wait(10)

    def silent():
        before = beat.stat().st_size
        time.sleep(0.1)
        return beat.stat().st_size == before

    until(silent)


def until(happened, seconds=20):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_what_pip_says_is_in_the_error(cache):
    bad = Client("fake", "Fake", "1.0", ("packager[",), (RUNNING,), "fake.py")
    with pytest.raises(ClientError, match=r"could not be installed:\n.*packager\["):
        environment_python(bad)
    assert not cache.exists()


def test_the_clients_are_pinned():
    for client in CLIENTS.values():
        assert client.requirements[0].endswith(f"=={client.version}")
        assert (Path(environment.__file__).parent / "clients" / client.script).is_file()
