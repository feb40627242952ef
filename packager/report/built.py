"""Reads the report.json of a finished build, and checks it for consistency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from packager.errors import RecordError
from packager.record import check_shape, read_record
from packager.report.facts import FORMAT, upgraded

_FIX = "Give the folder that packager build made, or build again."


def read_report(path: Path) -> dict[str, Any]:
    """The facts, as `packager.build.facts.build_facts` gives them; of an older format too.

    Raises:
        RecordError: the file can't be read, is of another version, or contradicts itself; the
            message names the key.
    """
    from packager.shapes import EarlierReport, FirstReport, Report, ThirdReport

    values = read_record(path, dict[str, Any], fix=_FIX, newest=FORMAT)
    try:
        if values.get("format") == 1:
            check_shape(values, FirstReport)
            _refuse(_old_contradictions(values))
        if values.get("format") in (1, 2):
            check_shape(values, EarlierReport)
        if values.get("format") in (1, 2, 3):
            check_shape(values, ThirdReport)
            values = upgraded(values)
        check_shape(values, Report)
        _refuse(_contradictions(values))
    except ValueError as error:
        raise RecordError(f"the file is damaged: {error}", where=path, fix=_FIX) from None
    return values


def _refuse(contradictions: Iterator[str]) -> None:
    for problem in contradictions:
        raise ValueError(problem)


def read_contract(path: Path) -> dict[str, Any]:
    """What the page shows of the model_spec.json beside it. Raises `RecordError`."""
    from packager.shapes import ShownContract

    return cast(dict[str, Any], read_record(path, ShownContract, fix=_FIX))


def _contradictions(facts: Mapping[str, Any]) -> Iterator[str]:
    """Checks that shapes can't express: indices out of range, lists of different lengths."""
    classes = len(facts.get("labels") or facts["data"]["classes"])
    judged = facts.get("cross_validation")
    if judged is not None:
        if judged["views"].keys() != {"stretch", "crop"}:
            yield "`cross_validation.views` has other views than stretch and crop"
        cells = [cell for view in judged["views"].values() for cell in view["confusion"]]
        lines = [line["index"] for view in judged["views"].values() for line in view["per_class"]]
        if max([*lines, *judged["classes_in_need"], *(max(cell[:2]) for cell in cells)]) >= classes:
            yield "`cross_validation` has a class that `labels` has not"
    yield from _incomplete(facts)
    for photo, heat in facts.get("heat", {}).items():
        if {len(row) for row in heat["values"]} == {0} or len(set(map(len, heat["values"]))) != 1:
            yield f"`heat` of {photo} has rows of different lengths, or none"
    for name in ("", "fine_tuning"):
        part = facts.get(name) or {} if name else facts
        best = part.get("best_epoch")
        if best is not None and best >= len(part["curves"]):
            yield f"`{f'{name}.' if name else ''}best_epoch` is {best}, past the last of `curves`"
    accuracy = facts["accuracy"]
    for model in ("float32", "exported"):
        photos = accuracy["photos"][model]
        if accuracy[model].keys() != {"stretch", "crop"}:
            yield f"`accuracy.{model}` has other views than stretch and crop"
        if max(photos.values()) >= classes:
            yield f"`accuracy.photos.{model}` has a class that `data.classes` has not"
        for name, view in accuracy[model].items():
            place = f"accuracy.{model}.{name}"
            for key in ("predictions", "confidences", "true_scores"):
                if len(view[key]) != len(photos):
                    yield f"`{place}.{key}` has {len(view[key])} entries for {len(photos)} photos"
            if max(view["predictions"]) >= classes:
                yield f"`{place}.predictions` has a class that `data.classes` has not"
            if any(max(cell[:2]) >= classes for cell in view["confusion"]):
                yield f"`{place}.confusion` has a class that `data.classes` has not"
            if any(line["index"] >= classes for line in view["per_class"]):
                yield f"`{place}.per_class` has a class that `data.classes` has not"


def _incomplete(facts: Mapping[str, Any]) -> Iterator[str]:
    """Parts that need others, and figures that a view lacks."""
    accuracy, unknown = facts["accuracy"], facts.get("unknown")
    if facts.get("cross_validation") is not None and "scores" not in facts:
        yield "`cross_validation` is there, and `scores` is not"
    if accuracy.get("basis") == "cross-validation" and facts.get("cross_validation") is None:
        yield "`accuracy.basis` is a `cross_validation` that is not there"
    by_view = {"accuracy.agreement": accuracy.get("agreement")}
    if unknown is not None:
        by_view["unknown.own"] = unknown["own"]
        by_view["unknown.drawings"] = (unknown["drawings"] or {}).get("false_accept_rate")
        negatives = unknown.get("negatives") or {}
        by_view["unknown.negatives"] = negatives.get("false_accept_rate")
        by_view["unknown.negatives.interval"] = negatives.get("interval")
    for name, views in by_view.items():
        if views is not None and views.keys() != {"stretch", "crop"}:
            yield f"`{name}` has other views than stretch and crop"


def _old_contradictions(facts: Mapping[str, Any]) -> Iterator[str]:
    """Of format 1, whose tables have all classes."""
    classes = len(facts["data"]["classes"])
    for model in ("float32", "exported"):
        for name, view in facts["accuracy"][model].items():
            place = f"accuracy.{model}.{name}"
            if len(view["per_class"]) != classes:
                yield f"`{place}.per_class` has {len(view['per_class'])} of {classes} classes"
            if {len(view["confusion"]), *map(len, view["confusion"])} != {classes}:
                yield f"`{place}.confusion` is not {classes} x {classes}"
