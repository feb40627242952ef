"""Findings with their photos as one self-contained HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packager.audit.faults import counted
from packager.audit.findings import (
    BLOWN_OUT,
    BLURRED,
    CONTRADICTION,
    DARK,
    DOUBTFUL_LABEL,
    NEAR_DUPLICATE,
    ODD_SHAPE,
    OUTLIER,
    TINY,
    UNUSABLE,
    WRONG_LABEL,
    Finding,
)
from packager.audit.run import Audit
from packager.files import write_output

if TYPE_CHECKING:
    from packager.report.thumbnails import Album

_GROUPS = 20  # of near duplicates that are shown
_MEMBERS = 6  # of one group
_SHOWN = {WRONG_LABEL: 40, DOUBTFUL_LABEL: 20}
_USUALLY = 12

# Title, and advice.
_SECTIONS = {
    CONTRADICTION: (
        "The same in two classes",
        "Near duplicates in different classes. One of them is in the wrong folder: move "
        "or delete it.",
    ),
    WRONG_LABEL: (
        "Labels that are probably wrong",
        "A model that has not seen the photo is as sure of another class as it is of that class's "
        "own photos. Look at each: it may show both, or something rare. The surest come first.",
    ),
    DOUBTFUL_LABEL: (
        "Labels to look at",
        "Another class is the likelier one, but the model is not sure. Many of these are right, "
        "and just hard.",
    ),
    NEAR_DUPLICATE: (
        "Near duplicates",
        "Shots of one moment, or copies that were resized or saved again. They do no harm: a build "
        "keeps them in one part of its split. They add little either: other photos teach more.",
    ),
    OUTLIER: (
        "Unlike their class",
        "The least like the other photos of their class: perhaps no photo of it, or one of a kind "
        "of which there should be more.",
    ),
    BLURRED: ("Blurred", "Sharp nowhere. Keep those that are like what the app will see."),
    DARK: ("Dark", "Hardly anything in them is bright."),
    BLOWN_OUT: ("Blown out", "White over much of the photo, as the rest of its class is not."),
    TINY: ("Tiny", "Fewer than 96 pixels on a side: the model is fed an enlargement."),
    ODD_SHAPE: (
        "Of an odd shape",
        "More than 2.5 times as long as wide: squeezed into a square, little can be recognised.",
    ),
    UNUSABLE: ("Unusable", "Left out of every build."),
}  # fmt: skip


@dataclass(frozen=True)
class _Card:
    """A photo on the page; `uri` is None where it can't be shown."""

    uri: str | None
    finding: Finding


@dataclass(frozen=True)
class _Section:
    """A kind of finding: how many photos, and those that are shown."""

    problem: str
    title: str
    advice: str
    count: int
    cards: tuple[_Card, ...]
    groups: tuple[tuple[tuple[str, str | None], ...], ...] = ()


def write_page(audit: Audit, path: Path) -> None:
    """Writes the page. Raises `OutputError` when it can't be written."""
    write_output(path, render_page(audit))


def render_page(audit: Audit) -> str:
    """The page's HTML, of at most some MB: of many findings the first are shown."""
    from packager.report.rendering import render
    from packager.report.thumbnails import Album

    album = Album(audit.root)
    sections = [
        _section(audit, problem, count, album) for problem, count in counted(audit.findings).items()
    ]
    return render(
        "photos.html",
        audit=audit,
        sections=sections,
        total=sum(audit.photos),
        named=len({finding.path for finding in audit.findings}),
        classes=list(zip(audit.classes, audit.photos, strict=True)),
    )


def _section(audit: Audit, problem: str, count: int, album: Album) -> _Section:
    title, advice = _SECTIONS[problem]
    findings = [finding for finding in audit.findings if finding.problem == problem]
    if problem in (NEAR_DUPLICATE, CONTRADICTION):
        numbers = list(dict.fromkeys(finding.group for finding in findings))[:_GROUPS]
        members = [audit.groups[number - 1][:_MEMBERS] for number in numbers]
        groups = tuple(tuple(zip(paths, album.uris(paths), strict=True)) for paths in members)
        return _Section(problem, title, advice, count, (), groups)
    shown = findings[: _SHOWN.get(problem, _USUALLY)]
    if problem == UNUSABLE:
        return _Section(problem, title, advice, count, tuple(_Card(None, f) for f in shown))
    uris = album.uris([finding.path for finding in shown])
    return _Section(problem, title, advice, count, tuple(map(_Card, uris, shown)))
