"""A task that ImageNet's features don't solve: where is a ring open?

    python benchmarks/rings.py FOLDER [--per-class 80] [--seed 0]

Rings with a gap (Landolt 1888), as photos: the five classes are the direction of the gap, from up
by the side to down. Colours, background, light, size, place and the ring's own proportions are
drawn from the same distribution for each class; left and right are one class, because training
mirrors photos.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from packager import pool
from packager.data.drawings import Pen, Point, arc
from packager.data.scenes import photograph

# Degrees, clockwise from the right: y points down.
DIRECTIONS = {"1-up": -90, "2-up-side": -45, "3-side": 0, "4-down-side": 45, "5-down": 90}
_TURN = 9.0  # degrees that a ring is turned by at most; classes are 45 apart


def ring(direction: float) -> Callable[[Pen], None]:
    """Draws a ring that is open at that angle, in degrees."""

    def draw(pen: Pen) -> None:
        outer, inner, half = pen.vary(0.75, 0.95), pen.vary(0.4, 0.6), pen.vary(14, 24)
        edges = direction + half, direction + 360 - half
        outside, inside = (arc(0, 0, size, size, *edges) for size in (outer, inner))
        pen.shape([*outside, *inside[::-1]], pen.main)
        for _ in range(int(pen.rng.integers(3, 9))):  # dots, which mean nothing
            away, angle = pen.vary(0, 0.95), pen.vary(0, 2 * math.pi)
            at: Point = (away * math.cos(angle), away * math.sin(angle))
            pen.oval(*at, *[pen.vary(0.03, 0.1)] * 2, pen.other)

    return draw


def draw_rings(folder: Path, *, per_class: int = 80, seed: int = 0) -> Path:
    """Makes the photos, a subfolder a class, and gives `folder`. The same seed, the same bytes."""
    for label, (name, direction) in enumerate(DIRECTIONS.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)

        def make(_: None, number: int, label: int = label, name: str = name,
                 direction: float = direction) -> None:  # fmt: skip
            rng = np.random.default_rng([seed, label, number])
            photo = photograph(ring(direction), rng, turn=_TURN)
            (folder / name / f"{number:04d}.jpg").write_bytes(photo)

        list(pool.each(lambda: None, make, range(per_class)))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-class", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw_rings(given.folder, per_class=given.per_class, seed=given.seed)


if __name__ == "__main__":
    main()
