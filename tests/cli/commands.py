"""Commands as tests run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from packager.cli.application import app


def packager(*arguments: object, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "packager", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **_environment(cache)},
        check=False,
    )


def packager_here(*arguments: object, cache: Path | None = None) -> Result:
    """In the test's process; what is no end of a command is raised."""
    return CliRunner().invoke(
        app, [*map(str, arguments)], env=_environment(cache), catch_exceptions=False
    )


def _environment(cache: Path | None) -> dict[str, str]:
    return {"COLUMNS": "200", **({} if cache is None else {"PACKAGER_CACHE": str(cache)})}
