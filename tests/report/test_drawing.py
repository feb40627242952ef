from __future__ import annotations

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

from packager.report.drawing import BLUE, PALETTE, Plot, css_variables, draw


def paint(axes: Any) -> None:
    axes.plot([1, 2], [1, 2], color=BLUE, marker="o")
    axes.set_title(f"<b> {BLUE} $x$ 🌻 שושנה")
    axes.grid()


def test_colours_are_the_pages_own() -> None:
    svg = draw("x", paint, size=(3, 2), alt="", caption="").svg
    tags = "".join(re.findall(r"<[^>]*>", svg))
    assert "var(--blue)" in tags
    assert not re.search(r"#[0-9a-f]{6}", tags)
    for name in set(re.findall(r"var\(--(\w+)\)", tags)):
        assert f"--{name}: {PALETTE[name][0]};" in css_variables(0)
        assert f"--{name}: {PALETTE[name][1]};" in css_variables(1)


def test_text_stays_what_it_is() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot = draw("x", paint, size=(3, 2), alt="", caption="", png=True)
    assert f">&lt;b&gt; {BLUE} $x$ 🌻 שושנה</text>" in plot.svg
    assert "DejaVu" not in plot.svg  # the page's font


def test_svg_fits_any_width_and_png_is_asked_for() -> None:
    plot = draw("x", paint, size=(3, 2), alt="", caption="")
    assert plot.svg.startswith("<svg")
    assert 'viewBox="0 0 216 144"' in plot.svg
    assert not re.search(r'<svg[^>]* (width|height)="', plot.svg)
    assert plot.png is None


def test_same_data_gives_the_same_bytes() -> None:
    one, two = (draw("x", paint, size=(3, 2), alt="", caption="", png=True) for _ in range(2))
    assert one == two
    assert one.png is not None
    assert one.png.startswith(b"\x89PNG")


def test_figure_of_known_data_is_drawn_once(cache: Path) -> None:
    drawn = []

    def painted(shows: object, *, png: bool = False) -> Plot:
        def count(axes: Any) -> None:
            drawn.append(shows)
            paint(axes)

        return draw("x", count, size=(3, 2), alt="", caption="", png=png, shows=shows)

    first = painted([1, 2])
    assert painted([1, 2]) == first
    assert len(drawn) == 1
    assert painted([1, 2], png=True).svg == first.svg
    painted([1, 3])
    painted(None)
    assert drawn[1:] == [[1, 2], [1, 3], None]
    shutil.rmtree(cache)
    cache.write_text("a file where a folder is expected")
    assert painted([1, 2]) == first


def test_two_figures_share_no_id() -> None:
    ids = [
        set(re.findall(r' id="([^"]*)"', draw(name, paint, size=(3, 2), alt="", caption="").svg))
        for name in ("x", "y")
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


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
