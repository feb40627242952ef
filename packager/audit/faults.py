"""Photos that are blurred, badly exposed, tiny or of an extreme aspect ratio."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packager.audit.findings import BLOWN_OUT, BLURRED, DARK, ODD_SHAPE, PROBLEMS, TINY, Finding
from packager.data.folder import PhotoFolder
from packager.data.look import Look, aspect
from packager.data.near_duplicates import told

_TINY = 96  # pixels of the shorter side: less than half of the smallest model's input
_ODD = 2.5  # longer side by shorter side
_BLURRED = 0.45  # of `Look.blur`: one flower photo in 400 has more
_DARK = 80  # of the 95th percentile of luma
_WHITE = 0.35  # share of the pixels


@dataclass(frozen=True)
class _Fault:
    """A fault's criterion: `measure` above `limit`; with `less`, below it."""

    problem: str
    measure: Callable[[Look], float]
    limit: float
    detail: Callable[[Look], str]
    less: bool = False

    def excess(self, look: Look) -> float:
        """1 at the limit, more beyond it."""
        value = self.measure(look)
        return self.limit / max(value, 1e-9) if self.less else value / self.limit


_FAULTS = (
    _Fault(BLURRED, lambda look: look.blur, _BLURRED, lambda look: f"blur {look.blur:.2f}"),
    _Fault(DARK, lambda look: look.bright, _DARK,
           lambda look: f"19 of 20 pixels are darker than {look.bright:.0f} of 255", less=True),
    _Fault(BLOWN_OUT, lambda look: look.white, _WHITE,
           lambda look: f"{100 * look.white:.0f} % of it is white"),
    _Fault(TINY, lambda look: min(look.width, look.height), _TINY,
           lambda look: f"{look.width} x {look.height} pixels", less=True),
    _Fault(ODD_SHAPE, aspect, _ODD, lambda look: f"{look.width} x {look.height} pixels"),
)  # fmt: skip


def faulty_photos(folder: PhotoFolder) -> list[Finding]:
    """Photos beyond a limit, unless their class as a whole is beyond it too.

    Photos on a white background, or taken at night, are not faulty: where half of a class is
    beyond a limit, no photo of it is reported.
    """
    by_class: list[list[tuple[str, Look]]] = [[] for _ in folder.classes]
    for photo in folder.photos:
        if photo.sha256 in folder.looks:
            by_class[photo.label].append((told(folder, photo), folder.looks[photo.sha256]))
    found = []
    for fault in _FAULTS:
        for label, photos in zip(folder.classes, by_class, strict=True):
            excess = [fault.excess(look) for _, look in photos]
            if not excess or np.median(excess) > 1:
                continue
            found += [
                Finding(fault.problem, path, label, fault.detail(look), score=1 - 1 / (1 + each))
                for (path, look), each in zip(photos, excess, strict=True)
                if each > 1
            ]
    return sorted(found, key=lambda each: (PROBLEMS.index(each.problem), -each.score, each.path))


def counted(findings: Sequence[Finding]) -> Mapping[str, int]:
    """The number of findings of each problem, in their order."""
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.problem] = counts.get(finding.problem, 0) + 1
    return counts
