"""docs/api.md is a program: it runs, and prints as many lines as the page shows."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, re.DOTALL)


@pytest.mark.slow
def test_every_block_runs(
    warm_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(BLOCKS) == PAGE.count("```python") > 5
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "page"}
    for number, (code, shown) in enumerate(BLOCKS, 1):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(code, f"block {number}", "exec"), names)
        assert len(said.getvalue().splitlines()) == len(shown.splitlines()), f"block {number}"


def test_imports_load_no_tensorflow() -> None:
    code = "\n".join(code for code, _ in BLOCKS)
    imports = re.findall(r"^from packager[^(\n]*(?:\([^)]*\))?$", code, re.MULTILINE)
    program = "\n".join(
        [*imports, "import sys", "print({'tensorflow', 'keras', 'matplotlib'} & {*sys.modules})"]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
