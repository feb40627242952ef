"""One drawing, twice: SVG in the page's own colours and font, and PNG on white."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from packager.cache import cache_folder, read_checked, write_checked
from packager.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Name: on light, on dark. Figures are drawn in the light ones, which the SVG then has by name.
PALETTE: dict[str, tuple[str, str]] = {
    "page": ("#fbfbfa", "#14171a"),
    "card": ("#fefefe", "#1c2024"),
    "ink": ("#1c2025", "#e6e8ea"),
    "soft": ("#5b6168", "#a3aab2"),
    "rule": ("#dfe0e3", "#363c42"),
    "blue": ("#2f6db5", "#7db3ee"),
    "orange": ("#b1500a", "#f0a35c"),
    "green": ("#2b7a35", "#7cc98a"),
    "purple": ("#7a4bb0", "#c3a3ee"),
    "red": ("#b3261e", "#ff8a80"),
}
INK, SOFT, RULE = (PALETTE[name][0] for name in ("ink", "soft", "rule"))
BLUE, ORANGE, GREEN, PURPLE, RED = (
    PALETTE[name][0] for name in ("blue", "orange", "green", "purple", "red")
)
_DRAWING = 1  # raise it when the same data would give another figure
_STYLE: dict[Any, Any] = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": RULE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlecolor": INK,
    "grid.color": RULE,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "font.size": 9.0,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "none",  # real text: any script, selectable, in the page's font
    "text.parse_math": False,  # a class may be called $5 or $10
}


@dataclass(frozen=True)
class Plot:
    """A figure.

    Attributes:
        name: its file's in the folder of plots, without the extension.
        alt: what it shows, in a sentence, for who can't see it.
        caption: below it.
        svg: an element to put into a page that has `PALETTE` as CSS variables.
        png: the same as a PNG file, where it was asked for.
    """

    name: str
    alt: str
    caption: str
    svg: str
    png: bytes | None


def draw(
    name: str,
    paint: Callable[[Axes], None],
    *,
    size: tuple[float, float],
    alt: str,
    caption: str,
    png: bool = False,
    shows: Any = None,
) -> Plot:
    """Draws one figure of `size` (width and height, inches). The same data gives the same bytes.

    `shows` is all the data that `paint` draws, of JSON types: a figure of the same data is then
    read from the cache, and matplotlib, which takes half a second to load, isn't. None: it is
    drawn each time, as the PNG is.
    """
    path = None
    if shows is not None and not png:
        origin = json.dumps([name, size, shows, _STYLE, _DRAWING, version("matplotlib")])
        path = cache_folder() / "figures" / hashlib.sha256(origin.encode()).hexdigest()[:32]
        if known := read_checked(path):
            return Plot(name, alt, caption, known.decode(), None)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # The PNG lacks letters of other scripts; the page has them.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure = Figure(figsize=size, layout="constrained")
        paint(figure.add_subplot())
        vector, raster = io.StringIO(), io.BytesIO()
        figure.savefig(vector, format="svg", metadata={"Date": None})
        if png:
            figure.savefig(raster, format="png", dpi=160, facecolor="white")
    svg = _inline(vector.getvalue())
    if path is not None:
        with contextlib.suppress(OutputError):  # a report needs no cache
            write_checked(path, svg.encode())
    return Plot(name, alt, caption, svg, raster.getvalue() if png else None)


def css_variables(theme: int) -> str:
    """`PALETTE` as CSS; theme 0 is light, 1 dark."""
    return " ".join(f"--{name}: {colours[theme]};" for name, colours in PALETTE.items())


def _inline(svg: str) -> str:
    """The <svg> element: any width, the page's font and colours, no ids but those referred to."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", lambda tag: _adapt(tag[0]), re.sub(r"\n\s*", "\n", svg))


def _adapt(tag: str) -> str:
    if tag.startswith("<svg"):
        return re.sub(r' (width|height)="[^"]*"', "", tag)
    tag = re.sub(r'^<g id="[^"]*"', "<g", tag)
    tag = re.sub(r"font: (?:\d+ )?([\d.]+px) [^;\"]+", r"font-size: \1", tag)
    tag = re.sub(r"font-family: [^;\"]+;? ?", "", tag)
    for name, (light, _) in PALETTE.items():
        tag = tag.replace(light, f"var(--{name})")
    return tag
