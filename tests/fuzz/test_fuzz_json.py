"""Every JSON file that is read back, with values and bytes changed."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pytest

from packager.android.base import read_base, write_base
from packager.android.changes import NewFile, demand_resolved, plan_changes
from packager.android.find_base import find_base
from packager.bench.comparison import compare_files
from packager.bench.page import render_page
from packager.bench.results import parse_results, results_json
from packager.classifier_file import _test_photos
from packager.compare.folder import finished_rows, open_folder
from packager.compare.rows import FORMAT
from packager.contract import describe_model
from packager.errors import PackagerError
from packager.in_place import STAGE, put_back
from packager.record import as_json, parse_json
from packager.report.built import read_report
from packager.report.comparison_page import write_comparison_page
from packager.report.page import report_folder
from tests.bench.measurements import measured, results
from tests.compare.made_up import on_pixel, row
from tests.fuzz.mutation import COUNT, check, mutated_bytes, mutated_json
from tests.report.builds import judged, make_build

REPORT = "report.json"


def test_fuzz_report(tmp_path: Path) -> None:
    out = make_build(tmp_path)
    original = judged(out)
    original["fine_tuning"] = {"curves": original["curves"], "best_epoch": 1}
    original["quantization"] = {
        "met": True, "strategy": "b",
        "attempts": [{"strategy": "b", "drop_points": 0.5, "note": "", "extra": None}],
    }  # fmt: skip
    accepted = []

    def read(content: bytes) -> None:
        (out / REPORT).write_bytes(content)
        _test_photos(out / "model.tflite")
        read_report(out / REPORT)
        accepted.append(content)

    check(read, mutated_json(original))
    (out / REPORT).write_bytes(json.dumps(original).encode())
    assert report_folder(out)
    # Drawing the page takes half a second each.
    for content in accepted[:: max(1, len(accepted) // max(3, COUNT // 100))]:
        (out / REPORT).write_bytes(content)
        check(lambda _: report_folder(out), [content])


def test_fuzz_comparison(tmp_path: Path) -> None:
    rows = [row(), row("lite0", "none", phone_latency_ms=on_pixel(3)), row("b", error="no")]
    data = {"name": "a", "photos": {"train": 8, "validation": 1, "test": 1}}
    original = parse_json(
        as_json({"format": FORMAT, "settings": {}, "data": data, "versions": {}, "rows": rows})
    )
    path = tmp_path / "comparison.json"
    drawn = 0

    def read(content: bytes) -> None:
        nonlocal drawn
        path.write_bytes(content)
        older = open_folder(tmp_path, force=False)
        assert older is not None
        finished_rows(older, tmp_path)
        drawn += 1
        if drawn % 40 == 1:
            write_comparison_page(tmp_path)
            (tmp_path / "report.html").unlink()

    check(read, mutated_json(original))


@pytest.mark.usefixtures("same_process")
def test_fuzz_contract(tmp_path: Path) -> None:
    from tests.android_project.conftest import save_model

    path = save_model(tmp_path)
    original = describe_model(path).spec

    def read(content: bytes) -> None:
        (tmp_path / "model_spec.json").write_bytes(content)
        as_json(describe_model(path).spec)

    check(read, mutated_json(original))


def test_fuzz_results(tmp_path: Path) -> None:
    original = json.loads(results_json(results(measured("a", 5.0, 3), measured("b", 7.0, 3))))
    path = tmp_path / "bench.json"
    drawn = 0

    def read(content: bytes) -> None:
        nonlocal drawn
        path.write_bytes(content)
        comparison = compare_files([path])
        drawn += 1
        if drawn % 10 == 1:
            render_page(comparison)
        parse_json(results_json(parse_results(content)))

    check(read, mutated_json(original))
    check(read, mutated_bytes([json.dumps(original).encode()]))


def test_fuzz_project_base(tmp_path: Path) -> None:
    """What is kept in a project that others may have had their hands on."""
    answers = {"package": "a.b", "app_id": "a.b", "app_name": "A", "locale": None}
    texts = {"app/a/b/A.kt": "package a.b\n", "README.md": "a\nb\n"}
    digests = {"app/icon.png": "0" * 64}
    original = {"format": 1, "packager": "0.1.0", "answers": answers, "texts": texts,
                "digests": digests}  # fmt: skip
    folder, copy = tmp_path / "project", tmp_path / "copy"
    (folder / "app/a/b").mkdir(parents=True)
    (folder / "app/a/b/A.kt").write_text("package a.b\n// mine\n")
    new = {name: NewFile(b"new\n") for name in ("README.md", "app/a/b/A.kt", "app/icon.png")}

    def read(content: bytes) -> None:
        (folder / ".packager.base").write_bytes(gzip.compress(content))
        base = find_base(folder)
        demand_resolved(folder, base)
        plan_changes(folder, base, new, frozenset())
        write_base(copy, base)
        assert read_base(copy) == base

    check(read, mutated_json(original))
    packed = gzip.compress(json.dumps(original).encode())
    for content in mutated_bytes([packed]):
        (folder / ".packager.base").write_bytes(content)
        with contextlib.suppress(PackagerError):
            read_base(folder)


def test_fuzz_journal(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.write_text("mine")
    entries = [
        {"name": "a", "old": None, "new": "0" * 64},
        {"name": "b/c", "old": "1", "new": None},
    ]

    def read(content: bytes) -> None:
        stage = project / STAGE
        (stage / "old").mkdir(parents=True, exist_ok=True)
        (stage / "old" / "1").write_text("theirs")
        (stage / "journal.json").write_bytes(content)
        put_back(project)

    check(read, mutated_json({"format": 1, "files": entries}))
    assert elsewhere.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"project", "elsewhere"}
