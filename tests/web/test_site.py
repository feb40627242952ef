from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path

import pytest

from packager.errors import DataError, DownloadError, MetadataError, ModelFileError, OutputError
from packager.web import runtime
from packager.web.site import demand_photos, generate_page
from tests.android_project.conftest import save_model
from tests.metadata.tiny_models import tiny_model
from tests.web.conftest import served

pytestmark = pytest.mark.usefixtures("same_process")


def element(page: str, start: str) -> str:
    found = re.search(re.escape(start) + r"(.*?)</script>", page)
    assert found is not None
    return found[1]


def policy(page: str) -> dict[str, list[str]]:
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    rules = (rule.split() for rule in html.unescape(found[1]).split(";"))
    return {name: values for name, *values in rules}


def test_holds_the_model_its_labels_and_its_contract(tmp_path: Path, flowers: Path) -> None:
    model = save_model(tmp_path)
    photos = sorted(flowers.glob("*/*.jpg"))[:2]
    made = generate_page(model, tmp_path / "out", photos=photos)
    folder = made.folder
    assert (folder / "model.tflite").read_bytes() == model.read_bytes()
    assert (folder / "labels.txt").read_text() == "daisy\nrose\ntulip\n"
    spec = json.loads((folder / "model_spec.json").read_text())
    assert spec["model"]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    page = (folder / "index.html").read_text("utf-8")
    samples = json.loads(element(page, 'id="runtime">'))["samples"]
    assert samples == ["samples/photos/00.png", "samples/photos/01.png"]
    assert all((folder / name).is_file() for name in samples)
    there = [p for p in folder.rglob("*") if p.is_file() and p.name != ".packager.json"]
    assert made.files == len(there)
    assert (made.labels, made.bundled) == (("daisy", "rose", "tulip"), False)


def test_the_policy_allows_the_page_and_the_pinned_runtime(tmp_path: Path) -> None:
    folder = generate_page(save_model(tmp_path), tmp_path / "out").folder
    page = (folder / "index.html").read_text("utf-8")
    import_map = element(page, '<script type="importmap">')
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    rules = policy(page)
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == [
        "'self'", "'wasm-unsafe-eval'", f"'sha256-{digest}'", runtime.CDN,
    ]  # fmt: skip
    assert rules["connect-src"] == ["'self'", runtime.CDN]
    assert runtime.CDN.endswith(f"@{runtime.VERSION}/")
    address = f"{runtime.CDN}{runtime.MAIN}"
    assert json.loads(import_map)["integrity"] == {address: runtime.INTEGRITY[runtime.MAIN]}
    for path in folder.iterdir():
        if path.suffix in (".js", ".css"):
            assert "https://" not in path.read_text("utf-8"), path


def test_what_android_refuses_is_refused(tmp_path: Path) -> None:
    bare, other = tmp_path / "bare.tflite", tmp_path / "other.tflite"
    bare.write_bytes(tiny_model())
    other.write_bytes(tiny_model(inputs=2))
    with pytest.raises(MetadataError, match="the model contains no labels"):
        generate_page(bare, tmp_path / "out")
    with pytest.raises(ModelFileError, match="not an image classifier"):
        generate_page(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_photo_that_cannot_be_read_is_told_or_left_out(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"none")
    with pytest.raises(DataError, match=re.escape(str(photo))):
        demand_photos([photo])
    made = generate_page(save_model(tmp_path), tmp_path / "out", photos=[photo])
    assert not (made.folder / "samples" / "photos").exists()


def test_an_older_page_is_replaced_on_demand(tmp_path: Path) -> None:
    model = save_model(tmp_path)
    folder = generate_page(model, tmp_path / "out").folder
    with pytest.raises(OutputError, match="to replace an older page"):
        generate_page(model, folder)
    generate_page(model, folder, force=True)
    (folder / "style.css").write_text("mine")
    with pytest.raises(OutputError, match=r"style\.css"):
        generate_page(model, folder, force=True)


def test_names_never_reach_the_page_itself(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    plain, other = tmp_path / "plain", tmp_path / "other"
    for folder in (plain, other):
        folder.mkdir()
    one = generate_page(save_model(plain), plain / "out").folder
    two = generate_page(save_model(other, labels=(hostile, "b"), name=hostile), other / "out")
    assert (one / "index.html").read_bytes() == (two.folder / "index.html").read_bytes()


def test_another_archive_is_no_runtime(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "core.tgz").write_bytes(b"something else")
    with served(tmp_path) as address:
        monkeypatch.setattr(runtime, "ARCHIVE", f"{address}/core.tgz")
        monkeypatch.setattr("packager.data.download.ATTEMPTS", 1)
        with pytest.raises(DownloadError, match="could not download LiteRT.js"):
            generate_page(save_model(tmp_path), tmp_path / "out", bundle=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_bundled_runtime_is_npms(
    cache: Path, npm_here: None, unpacked: dict[str, Path], tmp_path: Path
) -> None:
    made = generate_page(save_model(tmp_path), tmp_path / "out", bundle=True)
    for name in runtime.INTEGRITY:
        copied = made.folder / "litertjs" / name
        assert copied.read_bytes() == (unpacked["core"] / name).read_bytes()
    rules = policy((made.folder / "index.html").read_text("utf-8"))
    assert rules["connect-src"] == ["'self'"]
    assert not any("://" in value for values in rules.values() for value in values)
