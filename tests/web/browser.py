"""Chromium, driven over WebDriver, on one page of packager's."""

from __future__ import annotations

import contextlib
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.web.conftest import program, served

_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
_SECONDS = 60.0
# WebGPU without a GPU: Chromium computes it on the CPU.
SOFT_GPU = (
    "--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-webgpu-adapter=swiftshader",
    "--use-angle=swiftshader",
)  # fmt: skip


class Page:
    """The page as a person sees it."""

    def __init__(self, driver: Any, address: str, downloads: Path) -> None:
        self.driver, self.address, self.downloads = driver, address, downloads

    def load(self) -> None:
        """Loads it anew, until it is ready or has said why not."""
        self.driver.get(self.address)
        self.until(lambda: self.text("state") == "Ready." or bool(self.text("problem")))

    def text(self, name: str) -> str:
        """What is shown in the element; "" for one that is hidden."""
        return str(self.driver.find_element("id", name).text)

    def click(self, name: str) -> None:
        self.driver.find_element("id", name).click()

    def script(self, code: str) -> Any:
        return self.driver.execute_script(code)

    def set_threshold(self, score: float) -> None:
        self.script(
            f"const slider = document.getElementById('threshold'); slider.value = {score};"
            "slider.dispatchEvent(new Event('input'));"
        )

    def give(self, photos: Sequence[Path], where: str = "files") -> None:
        # Chromium takes no path with ".." in it
        paths = "\n".join(str(photo.resolve()) for photo in photos)
        self.driver.find_element("id", where).send_keys(paths)

    def drop(self, path: Path) -> None:
        """A file or a folder, from the desktop onto the page."""
        data = {"items": [], "files": [str(path.resolve())], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": 20, "y": 20, "data": data}
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)

    def until(self, there: Callable[[], bool]) -> None:
        end = time.monotonic() + _SECONDS
        while not there():
            assert time.monotonic() < end, (self.text("state"), self.text("problem"))
            time.sleep(0.05)

    def classified(self, photos: Sequence[Path]) -> list[dict[str, str]]:
        """The saved table, after all photos have had their answer."""
        self.give(photos)
        self.until(lambda: self.text("state").startswith(f"{len(photos)} photos"))
        saved = self.downloads / "answers.csv"
        saved.unlink(missing_ok=True)
        self.click("save")
        self.until(saved.exists)
        with saved.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def logged(self) -> list[str]:
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]


@contextlib.contextmanager
def driven(downloads: Path, *flags: str, camera: bool = True, language: str = "") -> Iterator[Any]:
    """Selenium's driver of a Chromium that ends with it."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium", "chromium")
    for flag in (*_FLAGS, *flags):
        if flag == "--disable-gpu" and flags == SOFT_GPU:
            continue
        options.add_argument(flag)
    preferences: dict[str, Any] = {"download.default_directory": str(downloads)}
    preferences["profile.default_content_setting_values.media_stream_camera"] = 1 if camera else 2
    if language:
        preferences["intl.accept_languages"] = language
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(program("chromedriver", "chromium-driver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


@contextlib.contextmanager
def opened(folder: Path, downloads: Path, *flags: str, **more: Any) -> Iterator[Page]:
    """The page in `folder`, once it is ready or has said why not; `more` as of `driven`."""
    with served(folder) as address, driven(downloads, *flags, **more) as driver:
        page = Page(driver, f"{address}/index.html", downloads)
        page.load()
        yield page
