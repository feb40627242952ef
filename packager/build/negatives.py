"""The counter-examples of a build, if there are any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from packager.build.photos import Photos, demand_outside
from packager.clock import Clock, SharedWork
from packager.progress import SILENT, Progress

if TYPE_CHECKING:
    from packager.data.negatives import Negatives


def look_at_negatives(
    data: str | Path | None,
    photos: Photos,
    seed: int,
    out: Path,
    *,
    shared: SharedWork,
    clock: Clock,
    progress: Progress = SILENT,
) -> Negatives:
    """Reads them once for all builds that are given the same `shared`; none without `data`.

    Raises as `packager.data.negatives.scan_negatives`, and `SettingsError` when the folder that is
    made would lie among them.
    """
    from packager.data.negatives import Negatives

    if data is None:
        return Negatives()
    demand_outside(data, "--negatives", out)
    return shared.once(
        ("negatives", data, photos.folder.root, seed),
        clock,
        lambda: _look(data, photos, seed, clock, progress),
    )


def _look(
    data: str | Path, photos: Photos, seed: int, clock: Clock, progress: Progress
) -> Negatives:
    from packager.data.negatives import scan_negatives

    with clock("data"):
        found = scan_negatives(data, photos.folder, seed=seed, progress=progress)
    progress.say(
        f"{len(found.learnt) + len(found.held_out)} counter-examples: {len(found.learnt)} to learn "
        f"from, {len(found.held_out)} to measure with."
    )
    return found
