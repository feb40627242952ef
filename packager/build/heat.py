"""Class activation maps of the exported file's worst mistakes and some correct predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from packager import pool
from packager.build.train import Trained
from packager.clock import Clock

if TYPE_CHECKING:
    from packager.report.answers import Answer

_WRONG = 12
_RIGHT = 4


def shown_heat(
    trained: Trained, model: bytes, accuracy: Mapping[str, Any], root: Path, *, clock: Clock
) -> dict[str, Any]:
    """Maps 0..1 by photo: {"view", "label" (a place), "values" (rows)}.

    `accuracy` is that part of report.json, `root` the folder of photos. Empty for a file that has
    no class activation maps; a photo that can't be read any more has none.
    """
    from packager.data.images import open_photo, view
    from packager.errors import DataError
    from packager.explain.activation_maps import ActivationMaps, linear_head
    from packager.explain.overlay import relative_heat
    from packager.report.answers import right_answers, worst_mistakes

    with clock("heat maps"):
        head = linear_head(model)
        if head is None:
            return {}
        labels = list(trained.labels)
        wanted = {
            each.photo: _surest([answer for answer in each.answers if not answer.right])
            for each in worst_mistakes(accuracy, "exported", labels)[:_WRONG]
        }
        for each in right_answers(accuracy, "exported", labels, _RIGHT):
            wanted[each.photo] = _surest(each.answers)

        def row(maps: ActivationMaps, one: tuple[str, Answer]) -> dict[str, Any] | None:
            photo, answer = one
            label = labels.index(answer.label)
            if label >= maps.classes:  # "unknown" stands for what isn't there
                return None
            try:
                image = open_photo(root / photo)
            except DataError:
                return None
            heat = relative_heat(maps.run(view(image, answer.view, maps.size))[1][label])
            return {
                "view": answer.view,
                "label": label,
                "values": np.round(heat.astype(float), 2).tolist(),
            }

        rows = pool.each(lambda: ActivationMaps(head, trained.normalisation), row, wanted.items())
        return {
            photo: found for photo, found in zip(wanted, rows, strict=True) if found is not None
        }


def _surest(answers: Any) -> Answer:
    best: Answer = max(answers, key=lambda answer: answer.confidence)
    return best
