"""The notebook, executed from its first cell to its last."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "packager.ipynb"


def printed(cell: Any) -> str:
    return "".join(out["text"] for out in cell.outputs if out.output_type == "stream")


@pytest.mark.slow
def test_every_cell_runs(tmp_path: Path, warm_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", programs)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    cells = {cell.id: cell for cell in notebook.cells}
    assert (tmp_path / "classifier" / "model.tflite").is_file()
    assert "stretch: " in printed(cells["report"])
    assert "data:text/html;base64," in cells["report"].outputs[-1]["data"]["text/html"]
    assert printed(cells["predict"]).count(".png") == 5
    assert printed(cells["download"]).strip() == str(tmp_path / "classifier.zip")
    assert (tmp_path / "classifier.zip").is_file()
