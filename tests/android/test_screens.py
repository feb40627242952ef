"""The app itself: Robolectric runs its activity on Android's own framework, with real LiteRT.

tests/android/android/screens drives it as a person does, and draws what it shows.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.android import pictures
from tests.android.conftest import SCREENS
from tests.cli.commands import packager_here

CASES = [
    (path.stem, name)
    for path in sorted(SCREENS.glob("*Test.kt"))
    for name in re.findall(r"@Test\s+(?:@Config\(.*\)\s+)?fun (\w+)", path.read_text("utf-8"))
]


@dataclass(frozen=True)
class Case:
    """One run of a Kotlin test: on a device, or an API level."""

    where: str
    fault: str | None


@dataclass(frozen=True)
class Screens:
    """What the run came to: the cases of each test, and the folder of what it drew and wrote."""

    cases: dict[tuple[str, str], list[Case]]
    output: Path


@pytest.fixture(scope="session")
def screens(compiled: Path, screen_inputs: Path) -> Screens:
    cases: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for report in (compiled / "screens" / "surefire-reports").glob("TEST-*.xml"):
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            suite = case.attrib["classname"].rpartition(".")[2]
            method, _, where = case.attrib["name"].partition("[")
            faults = [
                each.get("message") or each.tag
                for kind in ("failure", "error", "skipped")
                for each in case.findall(kind)
            ]
            cases[suite, method].append(Case(where.rstrip("]"), "; ".join(faults) or None))
    return Screens(cases, screen_inputs / "output")


@pytest.mark.slow
@pytest.mark.parametrize(("suite", "case"), CASES)
def test_flow(suite: str, case: str, screens: Screens) -> None:
    runs = screens.cases[suite, case]
    assert runs, "it did not run"
    faults = [f"{run.where}: {run.fault}" for run in runs if run.fault]
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.parametrize(
    "file", ["shared-benchmarkData.json", "harness/com.example.flowers-benchmarkData.json"]
)
def test_results_are_shown(file: str, screens: Screens) -> None:
    shown = packager_here("bench", "show", screens.output / file)
    assert shown.exit_code == 0, shown.output
    assert "CPU" in shown.output


@pytest.mark.slow
@pytest.mark.parametrize("name", pictures.names())
def test_picture(name: str, screens: Screens) -> None:
    drawn = screens.output / f"{name}.png"
    assert drawn.is_file(), "it was not drawn"
    other = pictures.compare(name, drawn)
    assert other is None, f"{other}. Look at {pictures.NEW}; to accept: -m tests.android.pictures"


@pytest.mark.slow
def test_every_picture_was_accepted(screens: Screens) -> None:
    new = {path.stem for path in screens.output.glob("*.png")} - set(pictures.names())
    for name in new:
        pictures.compare(name, screens.output / f"{name}.png")
    assert not new, f"Look at {pictures.NEW}; to accept: python -m tests.android.pictures"


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_readmes_show_the_accepted_pictures(theme: str) -> None:
    fresh = Image.open(io.BytesIO(pictures.side_by_side(theme))).convert("RGB")
    apart = pictures.difference(Image.open(pictures.shown(theme)).convert("RGB"), fresh)
    assert apart.max() <= pictures.TOLERANCE, "run python -m tests.android.pictures"


def test_another_digit_is_seen_and_compression_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "ACCEPTED", tmp_path)
    monkeypatch.setattr(pictures, "NEW", tmp_path / "new")
    for name, text in (("a", "6.8 ms"), ("b", "6.9 ms")):
        picture = Image.new("RGB", (160, 48), (250, 248, 255))
        ImageDraw.Draw(picture).text((60, 10), text, (26, 27, 32), font_size=20)
        picture.save(tmp_path / f"{name}.png")
    assert pictures.compare("a", tmp_path / "a.png") == "it is new"
    assert pictures.accept() == ["a"]
    assert pictures.compare("a", tmp_path / "a.png") is None
    assert not pictures.NEW.exists()
    assert "differ" in str(pictures.compare("a", tmp_path / "b.png"))
    marked = np.asarray(Image.open(pictures.NEW / "a-difference.png"))
    assert (marked[..., 0] == 255).any()
    assert pictures.accept() == ["a"]
    assert pictures.compare("a", tmp_path / "b.png") is None
