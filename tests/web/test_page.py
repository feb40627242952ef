"""The page in a real browser, against what `packager predict` says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from packager.build import build
from packager.classifier_file import predict_photos
from packager.web import runtime
from packager.web.site import generate_page
from tests.android_project.conftest import save_model
from tests.settings import build_settings
from tests.test_classifier_file import IDS, ROWS, color_model
from tests.web.browser import SOFT_GPU, Page, opened
from tests.web.conftest import served

pytestmark = pytest.mark.slow

MODELS = {"uint8": ("int8", "uint8"), "int8": ("int8", "int8"), "float32": ("none", None)}
STRANGER = "tfs_mobilenet_v1_0.25_224_1_metadata_1.tflite"
NEAR = 2 / 256


@pytest.fixture(scope="module")
def models(
    flowers: Path, session_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A model for each type of input."""
    root = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PACKAGER_CACHE", str(session_cache))
        return {
            name: build(
                build_settings(
                    data=flowers, out=root / name, quantize=how, io=io, android=False, epochs=8
                )
            ).model
            for name, (how, io) in MODELS.items()
        }


@pytest.fixture
def page_of(npm_here: None, warm_cache: Path, tmp_path: Path) -> Callable[..., Path]:
    """The folder of a model's page with the runtime in it."""

    def make(model: Path, photos: tuple[Path, ...] = ()) -> Path:
        return generate_page(model, tmp_path / "page", photos=photos, bundle=True).folder

    return make


@pytest.fixture(scope="module")
def hundred(many_flowers: Path) -> list[Path]:
    """Twenty of each class."""
    return [p for kind in sorted(many_flowers.iterdir()) for p in sorted(kind.glob("*.jpg"))[:20]]


@pytest.mark.shared
@pytest.mark.parametrize("name", [*MODELS, "stranger"])
def test_answers_as_python_does(
    name: str, models: dict[str, Path], page_of: Callable[..., Path], hundred: list[Path],
    shared: Path, tmp_path: Path,
) -> None:  # fmt: skip
    model = shared / "models" / STRANGER if name == "stranger" else models[name]
    assert len(hundred) == 100
    with opened(page_of(model), tmp_path) as page:
        answers = page.classified(hundred)
        assert not [line for line in page.logged() if "Content Security Policy" in line]
    best = [said.top[0] for said in predict_photos(model, hundred, top=1)]
    same = [answer["best"] == label for answer, (label, _) in zip(answers, best, strict=True)]
    assert sum(same) >= 99
    apart = [abs(float(a["score"]) - s) for a, (_, s) in zip(answers, best, strict=True)]
    assert max(apart) <= NEAR


def test_one_photo_and_a_folder_of_them(
    models: dict[str, Path], page_of: Callable[..., Path], flowers: Path, tmp_path: Path
) -> None:
    photo = sorted((flowers / "daisy").glob("*.jpg"))[0]
    with opened(page_of(models["uint8"], (photo,)), tmp_path) as page:
        spec = json.loads((models["uint8"].parent / "model_spec.json").read_text("utf-8"))
        least = page.script("return document.getElementById('threshold-shown').textContent")
        assert least == f"{100 * (spec['output']['threshold'] or 0):.1f} %"
        page.set_threshold(0)
        page.script("document.querySelector('.sample').click()")
        page.until(lambda: page.text("verdict") != "")
        label, score = predict_photos(models["uint8"], [photo], top=1)[0].top[0]
        shown, _, percent = page.text("verdict").partition(", ")
        assert shown == label
        assert abs(float(percent.removesuffix(" %")) / 100 - score) <= NEAR + 0.001
        assert "inference" in page.text("times")
        page.set_threshold(1)
        assert page.text("verdict") == "Unknown: no class reaches 100.0 %"

        folder = tmp_path / "chosen"
        (folder / "Tulips").mkdir(parents=True)
        (folder / "strangers").mkdir()
        for target in ("Tulips/a.jpg", "strangers/b.jpg"):
            shutil.copy(photo, folder / target)
        (folder / "Tulips" / "broken.jpg").write_bytes(b"no picture")
        (folder / "Tulips" / "notes.txt").write_text("no photo")
        page.give([folder], "folder")
        page.until(lambda: page.text("state").startswith("3 photos"))
        ends = "1 can't be read, 1 skipped (not photos)"
        assert page.text("counts") == f"3 photos, 0 of 1 right (0.0 %), 2 unknown, {ends}"
        page.set_threshold(0)
        assert page.text("counts") == f"3 photos, 0 of 1 right (0.0 %), {ends}"
        told = {row.split()[0]: row for row in page.text("rows").splitlines()}
        assert label in told["chosen/strangers/b.jpg"]
        assert told["chosen/Tulips/a.jpg"].endswith("wrong")
        page.set_threshold(1)
        told = {row.split()[0]: row for row in page.text("rows").splitlines()}
        assert "unknown" in told["chosen/strangers/b.jpg"]
        assert told["chosen/Tulips/a.jpg"].endswith("unknown")
        assert "broken.jpg: this browser can't decode it" in page.text("problem")


def test_the_camera_is_classified(
    models: dict[str, Path], page_of: Callable[..., Path], flowers: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "frame.jpg"
    source = sorted((flowers / "sunflowers").glob("*.jpg"))[0]
    Image.open(source).convert("RGB").resize((640, 480)).save(photo, quality=95)
    film = tmp_path / "film.mjpeg"
    film.write_bytes(photo.read_bytes() * 3)
    flags = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")
    label, score = predict_photos(models["float32"], [photo], top=1)[0].top[0]
    with opened(page_of(models["float32"]), tmp_path, *flags) as page:
        page.set_threshold(0)
        page.click("camera")
        page.until(lambda: page.text("verdict").startswith(f"{label}, "))
        percent = page.text("verdict").partition(", ")[2].removesuffix(" %")
        assert abs(float(percent) / 100 - score) < 0.05  # the film is compressed once more
        page.click("turn")
        page.until(lambda: "camera is on" in page.text("state"))
        page.click("camera")
        assert page.script("return document.getElementById('video').srcObject") is None
        assert page.text("problem") == ""


def test_a_refused_camera_and_one_that_is_not_there(
    models: dict[str, Path], page_of: Callable[..., Path], tmp_path: Path
) -> None:
    folder = page_of(models["uint8"])
    with opened(folder, tmp_path, "--use-fake-device-for-media-stream", camera=False) as page:
        page.click("camera")
        page.until(lambda: page.text("problem") != "")
        assert page.text("problem").startswith("Camera access was denied.")
    with opened(folder, tmp_path) as page:
        page.click("camera")
        page.until(lambda: page.text("problem") != "")
        assert page.text("problem") == "There is no camera on this device."


def test_what_is_wrong_is_said(
    models: dict[str, Path], page_of: Callable[..., Path], tmp_path: Path
) -> None:
    folder = page_of(models["uint8"])
    with opened(folder, tmp_path) as page:
        say_what_is_wrong(folder, page)


def test_without_a_gpu_the_cpu_goes_on(
    models: dict[str, Path], page_of: Callable[..., Path], flowers: Path, tmp_path: Path
) -> None:
    photo = sorted((flowers / "roses").glob("*.jpg"))[0]
    with opened(page_of(models["float32"]), tmp_path) as page:
        page.click("gpu")
        page.until(lambda: page.text("state") == "The CPU runs the model.")
        why = "this browser has no WebGPU, or no GPU for it"
        assert page.text("problem") == f"The CPU runs the model, not the GPU: {why}."
        assert not page.driver.find_element("id", "gpu").is_selected()
        page.give([photo])
        page.until(lambda: page.text("times").endswith("ms on the CPU"))


def test_the_gpu_gives_the_same_scores(
    models: dict[str, Path], page_of: Callable[..., Path], flowers: Path, tmp_path: Path
) -> None:
    photo = sorted((flowers / "roses").glob("*.jpg"))[0]
    with opened(page_of(models["float32"]), tmp_path, *SOFT_GPU) as page:
        page.set_threshold(0)
        page.click("gpu")
        page.until(lambda: page.text("state") == "The GPU runs the model.")
        page.give([photo])
        page.until(lambda: page.text("times").endswith("ms on the GPU"))
        label, score = predict_photos(models["float32"], [photo], top=1)[0].top[0]
        shown, _, percent = page.text("verdict").partition(", ")
        assert shown == label
        assert abs(float(percent.removesuffix(" %")) / 100 - score) <= 0.001


def test_what_is_dropped_and_pasted_is_told_in_the_persons_language(
    page_of: Callable[..., Path], tmp_path: Path
) -> None:
    model = color_model(tmp_path / "m.tflite", IDS, ROWS, en="red\ngreen\nblue\n",
                        de="rot\ngrün\nblau\n")  # fmt: skip
    folder = tmp_path / "dropped"
    for color, name in (("#f00", "rot"), ("#00f", "blau")):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (32, 32), color).save(folder / name / "a.png")
    (folder / "notes.txt").write_text("no photo")
    with opened(page_of(model), tmp_path, language="de-AT,de") as page:
        page.set_threshold(0)
        page.drop(folder)
        page.until(lambda: page.text("state").startswith("2 photos"))
        assert page.text("state") == "2 photos, 2 of 2 right (100.0 %), 1 skipped (not photos)"
        page.drop(folder / "blau" / "a.png")
        page.until(lambda: page.text("verdict").startswith("blau, "))
        page.script(
            "const canvas = document.createElement('canvas'); canvas.width = canvas.height = 32;"
            "const context = canvas.getContext('2d'); context.fillStyle = '#0f0';"
            "context.fillRect(0, 0, 32, 32); canvas.toBlob((blob) => {"
            "const clipboardData = new DataTransfer();"
            "clipboardData.items.add(new File([blob], 'copied.png', {type: 'image/png'}));"
            "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData})); });"
        )
        page.until(lambda: page.text("verdict").startswith("grün, "))
        assert page.text("caption").startswith("copied.png, 32")


def say_what_is_wrong(folder: Path, page: Page) -> None:
    def said() -> str:
        page.load()
        assert not page.driver.find_element("id", "choose-files").is_enabled()
        return page.text("problem")

    model = folder / "model.tflite"
    content = model.read_bytes()
    model.write_bytes(content[:1000])
    assert f"cut short: 1000 of {len(content)} bytes" in said()
    model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "model.tflite is not the file of model_spec.json" in said()
    model.unlink()
    assert "model.tflite can't be loaded: the server answered 404" in said()
    model.write_bytes(content)

    labels = folder / "labels.txt"
    names = labels.read_bytes()
    labels.write_bytes(b"x" + names)
    assert "labels.txt is not the file of model_spec.json" in said()
    labels.write_bytes(names)

    spec = folder / "model_spec.json"
    contract = spec.read_text("utf-8")
    other = json.loads(contract)
    other["input"]["shape"] = [1, 192, 192, 3]
    spec.write_text(json.dumps(other), encoding="utf-8")
    assert "its input is uint8 [1,224,224,3], not uint8 [1,192,192,3]" in said()
    spec.write_text("{}")
    assert "model_spec.json is not a contract of format 1" in said()
    spec.write_text(contract, encoding="utf-8")

    loader = folder / "litertjs" / "wasm" / "litert_wasm_internal.js"
    runtime = loader.read_bytes()
    loader.write_bytes(runtime + b"\n// changed\n")
    assert "The runtime LiteRT.js can't be loaded" in said()
    loader.write_bytes(runtime)

    without = {"source": "delete globalThis.WebAssembly"}
    page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", without)
    assert said().startswith("This browser has no WebAssembly")


def test_the_runtime_comes_from_another_server_unless_it_is_bundled(
    unpacked: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(unpacked["core"], elsewhere)
    with served(elsewhere) as address:
        monkeypatch.setattr(runtime, "CDN", f"{address}/")
        folder = generate_page(save_model(tmp_path), tmp_path / "page").folder
        assert not (folder / "litertjs").exists()
        with opened(folder, tmp_path) as page:
            assert (page.text("state"), page.text("problem")) == ("Ready.", "")
            loader = elsewhere / "wasm" / "litert_wasm_internal.wasm"
            loader.write_bytes(loader.read_bytes() + b"\0")
            page.load()
            assert f"The runtime LiteRT.js can't be loaded from {address}/" in page.text("problem")


def test_it_is_usable_by_keyboard_and_has_names(
    models: dict[str, Path], page_of: Callable[..., Path], flowers: Path, tmp_path: Path
) -> None:
    photo = sorted((flowers / "roses").glob("*.jpg"))[0]
    with opened(page_of(models["uint8"], (photo,)), tmp_path) as page:
        page.give([photo])
        page.until(lambda: page.text("verdict") != "")
        reached = reached_by_tab(page)
        assert reached == ["choose-files", "choose-folder", "camera", "gpu", "sample", "threshold"]
        unnamed = page.script(
            "return [...document.querySelectorAll('button, input:not([hidden]), img, canvas')]"
            ".filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.alt ||"
            " e.labels?.length || e.querySelector('img[alt]'))).map((e) => e.outerHTML)"
        )
        assert unnamed == []
        page.driver.set_window_size(320, 700)
        assert page.script("return document.documentElement.scrollWidth <= window.innerWidth")


def reached_by_tab(page: Page) -> list[str]:
    from selenium.webdriver import ActionChains, Keys

    reached: list[str] = []
    for _ in range(12):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        name = page.script("return document.activeElement.id || document.activeElement.className")
        if not name or name in reached:
            return reached
        reached.append(name)
    return reached
