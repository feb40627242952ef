from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from packager.report.drawing import PALETTE, Drawing, css_variables, text_width

NAME = "<b> var(--blue) & $x$ 🌻 שושנה\x01"


def drawn() -> Drawing:
    drawing = Drawing(216, 144)
    drawing.box(1, 2, 30.0, 40.123, fill="red", opacity=0.5)
    drawing.line([(0, 0), (10, 20.5)], "blue", dash="4 2")
    drawing.write(NAME, (5, 6), anchor="end", colour="soft", turn=-45)
    return drawing


def test_colours_are_the_pages_own() -> None:
    tags = "".join(re.findall(r"<[^>]*>", drawn().svg()))
    assert "var(--blue)" in tags
    assert not re.search(r"#[0-9a-f]{6}", tags)
    for name in set(re.findall(r"var\(--(\w+)\)", tags)):
        assert f"--{name}: {PALETTE[name][0]};" in css_variables(0)
        assert f"--{name}: {PALETTE[name][1]};" in css_variables(1)


def test_text_stays_what_it_is() -> None:
    svg = drawn().svg()
    assert ">&lt;b&gt; var(--blue) &amp; $x$ 🌻 שושנה </text>" in svg  # a control is a space
    assert "font-family" not in svg  # the page's font


def test_element_fits_any_width() -> None:
    svg = drawn().svg()
    assert svg.startswith('<svg viewBox="0 0 216 144"')
    assert 'height="40.12"' in svg
    assert not re.search(r'<svg[^>]* (width|height)="', svg)


def test_file_stands_by_itself() -> None:
    file = drawn().file()
    root = ElementTree.fromstring(file)
    assert root.attrib["width"] == "216pt"
    assert [element.tag.rpartition("}")[2] for element in root] == [
        "rect", "rect", "polyline", "text",
    ]  # fmt: skip
    assert root[0].attrib["fill"] == "#ffffff"
    assert root[2].attrib["stroke"] == PALETTE["blue"][0]
    assert root[3].text == NAME.replace("\x01", " ")
    assert not re.search(r"<[^>]*var\(", file)


@pytest.mark.parametrize(
    "shape", ["circle", "square", "triangle", "wedge", "diamond", "cross", "star"]
)
def test_markers_lie_around_their_place(shape: str) -> None:
    drawing = Drawing(20, 20)
    drawing.marker(shape, (10, 10), 2, "ink")
    element = ElementTree.fromstring(drawing.file())[1]
    if shape == "circle":
        assert (element.attrib["cx"], element.attrib["r"]) == ("10", "2")
        return
    corners = [[float(n) for n in pair.split(",")] for pair in element.attrib["points"].split()]
    assert len({tuple(corner) for corner in corners}) == len(corners) >= 3
    for across in zip(*corners, strict=True):
        assert 7 <= min(across) < 10 < max(across) <= 13


def test_width_of_text_follows_its_letters() -> None:
    assert text_width("") == 0
    assert text_width("ill") < text_width("abc") < text_width("MMM") < text_width("花花花花")
    assert text_width("e\u0301") == text_width("e")
    assert text_width("abc", 18) == 2 * text_width("abc", 9)


def test_contrast_of_text() -> None:
    def luminance(colour: str) -> float:  # WCAG 2.1
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for theme in (0, 1):
        for background in ("page", "card"):
            for text in ("ink", "soft", "red", "green", "blue", "orange", "purple"):
                light, dark = sorted(
                    (luminance(PALETTE[name][theme]) for name in (text, background)), reverse=True
                )
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (theme, background, text)
