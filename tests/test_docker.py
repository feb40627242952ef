"""The Dockerfile's packages are those that pyproject.toml asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 or newer")
ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "docker" / "requirements.txt").read_text("utf-8")


def test_the_lock_has_every_dependency_in_a_version_that_fits() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE))
    for text in project["dependencies"]:
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"python_version": "3.14"}):
            name = canonicalize_name(needed.name)
            assert locked.get(name) in needed.specifier, f"{text}: run the command in the lock"


def test_every_package_has_a_digest() -> None:
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


def test_base_images_have_a_digest_and_copied_files_are_there() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.search(r"@sha256:[0-9a-f]{64}$", bases[0])
    kept = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in kept
