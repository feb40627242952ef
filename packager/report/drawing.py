"""An SVG picture, in the colours and the font of the page that it is put into, or a file."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

from packager.record import encodable

# Name: on light, on dark.
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
FONT_SIZE = 9.0
_FONTS = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"  # of a file of its own
_STAR = [
    (radius * math.sin(corner * math.pi / 5), -radius * math.cos(corner * math.pi / 5))
    for corner, radius in enumerate((1, 0.4) * 5)
]
_SHAPES: dict[str, Sequence[tuple[float, float]]] = {  # of radius 1, or a little more
    "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "triangle": [(0, -1), (1, 0.9), (-1, 0.9)],
    "wedge": [(0, 1), (1, -0.9), (-1, -0.9)],
    "diamond": [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
    "cross": [
        (-0.35, -1), (0.35, -1), (0.35, -0.35), (1, -0.35), (1, 0.35), (0.35, 0.35),
        (0.35, 1), (-0.35, 1), (-0.35, 0.35), (-1, 0.35), (-1, -0.35), (-0.35, -0.35),
    ],
    "star": _STAR,
}  # fmt: skip

Place: TypeAlias = tuple[float, float]  # from the left and from the top
Anchor: TypeAlias = Literal["start", "middle", "end"]


class Drawing:
    """A picture that elements are added to; later ones lie above earlier ones.

    Lengths are points, of which the page makes what fits its width; colours are names of
    `PALETTE`, or "none".
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._elements: list[tuple[str, dict[str, str | float], str]] = []

    def line(
        self, places: Iterable[Place], colour: str, *, width: float = 1.6, dash: str = ""
    ) -> None:
        """A line through the places; `dash` has the lengths of dashes and gaps."""
        dashes = {"stroke-dasharray": dash} if dash else {}
        self._add(
            "polyline", points=_points(places), fill="none", stroke=colour,
            **{"stroke-width": width}, **dashes,
        )  # fmt: skip

    def box(
        self, left: float, top: float, width: float, height: float, *, fill: str = "none",
        opacity: float = 1.0, stroke: str = "none",
    ) -> None:  # fmt: skip
        """A rectangle; `opacity` 0..1 is that of its inside."""
        self._add(
            "rect", x=left, y=top, width=width, height=height, fill=fill, stroke=stroke,
            **{"fill-opacity": opacity},
        )  # fmt: skip

    def marker(
        self, shape: str, place: Place, radius: float, colour: str, *, opacity: float = 1.0
    ) -> None:
        """ "circle", "square", "triangle", "wedge", "diamond", "cross" or "star"."""
        x, y = place
        shown: dict[str, str | float] = {"fill": colour, "fill-opacity": opacity}
        if shape == "circle":
            self._add("circle", cx=x, cy=y, r=radius, **shown)
        else:
            corners = ((x + radius * right, y + radius * down) for right, down in _SHAPES[shape])
            self._add("polygon", points=_points(corners), **shown)

    def write(
        self, text: str, place: Place, *, anchor: Anchor = "start", colour: str = "ink",
        size: float = FONT_SIZE, turn: float = 0.0,
    ) -> None:  # fmt: skip
        """One line of text whose middle is as high as the place.

        `anchor` is the part of it that lies at the place, `turn` degrees clockwise around it.
        """
        x, y = place
        turned = {"transform": f"rotate({_number(turn)} {_number(x)} {_number(y)})"} if turn else {}
        self._add(
            "text", shown_text(text), x=x, y=y + 0.36 * size, fill=colour,
            **{"font-size": size, "text-anchor": anchor}, **turned,
        )  # fmt: skip

    def svg(self) -> str:
        """An element for a page that has `PALETTE` as CSS variables; as wide as there is room."""
        return self._svg("", {name: f"var(--{name})" for name in PALETTE})

    def file(self) -> str:
        """An SVG file, in the light colours on white."""
        size = f' width="{_number(self.width)}pt" height="{_number(self.height)}pt"'
        fonts = f' font-family="{_FONTS}"'
        colours = {name: light for name, (light, _) in PALETTE.items()}
        namespace = ' xmlns="http://www.w3.org/2000/svg"'
        white = '<rect width="100%" height="100%" fill="#ffffff"/>\n'
        return self._svg(namespace + size + fonts, colours, white) + "\n"

    def _add(self, element: str, text: str = "", /, **attributes: str | float) -> None:
        self._elements.append((element, attributes, text))

    def _svg(self, attributes: str, colours: Mapping[str, str], ground: str = "") -> str:
        view = f"0 0 {_number(self.width)} {_number(self.height)}"
        svg = f'<svg{attributes} viewBox="{view}" stroke-linejoin="round">\n{ground}'
        for element, own, text in self._elements:
            svg += f"<{element}"
            for name, value in own.items():
                told = value if isinstance(value, str) else _number(value)
                svg += f' {name}="{colours.get(told, told)}"'
            svg += f">{escape(text, quote=False)}</{element}>\n"
        return svg + "</svg>"


@dataclass(frozen=True)
class Plot:
    """A figure.

    Attributes:
        name: its file's in the folder of plots, without the extension.
        alt: what it shows, in a sentence, for who can't see it.
        caption: below it.
    """

    name: str
    alt: str
    caption: str
    drawing: Drawing


def css_variables(theme: int) -> str:
    """`PALETTE` as CSS; theme 0 is light, 1 dark."""
    return " ".join(f"--{name}: {colours[theme]};" for name, colours in PALETTE.items())


def shown_text(text: str) -> str:
    """Without what XML has no place for: controls become spaces."""
    return re.sub(r"[\x00-\x1f\x7f\ufffe\uffff]", " ", encodable(text))


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """About how wide it will be: which font the page gets isn't known."""
    return size * sum(map(_letter_width, text))


def _letter_width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if unicodedata.combining(letter):
        return 0.0
    if letter in "mwMW%":
        return 0.88
    if letter in "ijlftrI.,:;|!'()[] ":
        return 0.36
    return 0.68 if letter.isupper() else 0.58


def _points(places: Iterable[Place]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in places)


def _number(value: float) -> str:
    """In hundredths, as short as it can be written."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
