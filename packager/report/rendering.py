"""Templates of the pages, with what they all need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from packager.pages import page_environment

if TYPE_CHECKING:
    from packager.bench.comparison import Comparison, Row, Skip


def render(template: str, **values: Any) -> str:
    """A page of templates/report; everything but drawings is escaped."""
    from packager.report.drawing import css_variables

    environment = page_environment("report")
    environment.filters.update(
        percent=_percent, mb=_megabytes, counted=_counted, milliseconds=milliseconds, doubts=_doubts
    )
    return environment.get_template(template).render(
        light=css_variables(0), dark=css_variables(1), **values
    )


def milliseconds(row: Mapping[str, Any], key: str) -> float | None:
    """The median; the mean where a tool printed no median; None where nothing was measured."""
    latency = row.get(key) or {}
    value = latency.get("median")
    return latency.get("mean") if value is None else value


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _megabytes(size: int | None) -> str:
    return "–" if size is None else f"{size / 1e6:.1f} MB"


def _counted(number: int, noun: str) -> str:
    """ "1 photo", "2 photos", "2 classes"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "es" if noun.endswith("s") else "s")


def _doubts(bench: Comparison) -> list[str]:
    """What makes latencies doubtful, and what was not measured; a sentence without a full stop."""
    who: dict[str, list[str]] = defaultdict(list)
    for row in bench.rows:
        for warning in row.warnings:
            who[warning].append(_combination(row))
    return [
        *(
            f"{warning}: {'all' if len(names) == len(bench.rows) > 1 else ', '.join(names)}"
            for warning, names in who.items()
        ),
        *(f"not measured: {_combination(skip)} ({skip.reason})" for skip in bench.skipped),
        *bench.unread,
    ]


def _combination(row: Row | Skip) -> str:
    return f"{row.model} on {row.accelerator}" + (f" × {row.threads}" if row.threads else "")
