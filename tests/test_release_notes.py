"""The text of a release, from the changelog."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

CHANGELOG = """# Changelog

## [Unreleased]

- Not yet.

## [0.2.0] - 2026-12-01

### Added

- A thing.

## [0.1.0] - 2026-11-01

"""


def release_notes(folder: Path, tag: str, version: str) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir()
    (folder / "packager").mkdir()
    script = folder / ".ci" / "release_notes.py"
    script.write_bytes((ROOT / ".ci" / "release_notes.py").read_bytes())
    (folder / "packager" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    return subprocess.run([sys.executable, script, tag], capture_output=True, text=True)


def test_a_release_has_its_part_of_the_changelog(tmp_path: Path) -> None:
    done = release_notes(tmp_path, "v0.2.0", "0.2.0")
    assert (done.returncode, done.stdout) == (0, "### Added\n\n- A thing.\n")


@pytest.mark.parametrize(
    ("tag", "version", "says"),
    [("v0.2.1", "0.2.0", "The tag is v0.2.1"), ("0.2.0", "0.2.0", "The tag is 0.2.0"),
     ("v0.3.0", "0.3.0", "no text under"), ("v0.1.0", "0.1.0", "no text under")],
)  # fmt: skip
def test_what_nobody_wrote_down_is_not_released(
    tmp_path: Path, tag: str, version: str, says: str
) -> None:
    done = release_notes(tmp_path, tag, version)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
