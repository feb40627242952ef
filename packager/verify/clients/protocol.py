"""How a client talks with packager; runs in the client's own Python (3.9 and newer).

In: for each photo a line of JSON, {"width": w, "height": h}, then w * h * 3 bytes of RGB. Out:
a line of JSON each: first {"version": ..., ...}, then {"scores": [[index, label, score], ...],
"milliseconds": ...} for each photo, the best first; or {"error": ...} and the end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO


def serve(start: Callable[[str], tuple[dict[str, Any], Any, Any]]) -> None:
    """Answers photos until there are no more.

    Args:
        start: a function of the model's path that gives a dict to send first, a function that
            makes the client's image of a uint8 array [height, width, 3], and one that classifies
            such an image and gives (index, label, score) triples, the best first.
    """
    # What the libraries print on stdout must not get between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**values: Any) -> None:
        out.write(json.dumps(values) + "\n")
        out.flush()

    try:
        facts, make_image, classify = start(sys.argv[1])
        answer(python=".".join(map(str, sys.version_info[:2])), **facts)
        photos = sys.stdin.buffer
        for line in iter(photos.readline, b""):
            pixels = _pixels(photos, **json.loads(line))
            image = make_image(pixels)  # the Task Library only points to them: keep them alive
            began = time.perf_counter()
            scores = classify(image)
            milliseconds = 1000 * (time.perf_counter() - began)
            answer(scores=scores, milliseconds=milliseconds)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        answer(error=f"{type(error).__name__}: {error}")
        sys.exit(1)


def _pixels(file: BinaryIO, width: int, height: int) -> Any:
    import numpy  # the client's own, so not before it is there

    size = width * height * 3
    content = file.read(size)
    if len(content) != size:
        raise ValueError("the photo ended too early")
    return numpy.frombuffer(content, numpy.uint8).reshape(height, width, 3)
