"""A folder to chroot into with Debian's adbd in it, unpacked from packages by apt's own tools."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

SUITE = "trixie"  # the first release that has adbd for amd64 and arm64
# busybox's own shell would run its `df` rather than ours.
PACKAGES = ("adbd", "busybox-static", "dash")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ANSWERS = Path(__file__).parent / "answers"


class NoDebianError(Exception):
    """Why the packages can't be had here."""


def unpack_adbd(work: Path) -> Path:
    """Downloads the packages with all they depend on (8 MB), and unpacks them under `work`.

    apt gets a configuration, a status and a cache of its own: nothing of this system changes.
    """
    config = work / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (config / folder).mkdir(parents=True)
    (config / "status").touch()
    (config / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {SUITE} main\n")
    options = {
        "Dir::State": config / "state",
        "Dir::State::status": config / "status",
        "Dir::Cache": config / "cache",
        "Dir::Etc::sourcelist": config / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    apt = ["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items())]
    _run([*apt, "update"])
    _run([*apt, "-y", "--download-only", "install", *PACKAGES])
    root = work / "root"
    for package in sorted((config / "cache" / "archives").glob("*.deb")):
        _run(["dpkg-deb", "-x", str(package), str(root)])
    _furnish(root)
    return root


def _mirror() -> str:
    """Where this system gets its own release from."""
    release = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
    listed = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                   "Created-By: Packages"])  # fmt: skip
    for line in listed.splitlines():
        uri, suite, component = line.split()
        if release is not None and suite == release[1] and component == "main":
            return uri
    raise NoDebianError("this system's apt has no Debian release among its sources")


def _furnish(root: Path) -> None:
    """What Android has and the packages haven't: devices, folders, and commands as scripts."""
    for name in ("bin", "sbin", "lib", "lib64"):
        link = root / name
        if not link.exists():
            link.symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "tmp", "sys", "data/local/tmp", "sdcard", "phone", "answers"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
        os.mknod(root / "dev" / name, 0o020666, os.makedev(1, minor))
    for script in ANSWERS.iterdir():
        copy = root / "answers" / script.name
        copy.write_bytes(script.read_bytes())
        copy.chmod(0o755)
    _run(["chroot", str(root), "/usr/bin/busybox", "--install", "-s", "/usr/bin"])


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except OSError as error:
        raise NoDebianError(f"{command[0]} can't be run ({error})") from None
    if done.returncode:
        raise NoDebianError(f"{command[0]} failed: {done.stderr.strip()[-600:]}")
    return done.stdout
