"""Matches the names of photo folders with the classes of a model."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packager.errors import first_of
from packager.labels import clean, without_numbers

# A folder's name can't hold some of these, and people write the others for them and for spaces.
_ALIKE = re.compile(r"""[\s_\-/\\:*?"<>|\u2044\u2215\u29f8\ua789]+""")

_NAMED = 5  # notes name so many and count the rest


@dataclass(frozen=True)
class NameMatch:
    """The classes that a folder's name can stand for.

    Attributes:
        name: the folder's.
        classes: places of the classes: one, several that the name doesn't tell apart, or none.
        likely: labels that are near the name, when none is meant for sure.
        exact: whether the name is a label, or another name of the class, to the letter.
    """

    name: str
    classes: tuple[int, ...]
    likely: tuple[str, ...] = ()
    exact: bool = True


def match_names(
    names: Iterable[str], labels: Sequence[str], others: Iterable[Sequence[str]] = ()
) -> tuple[NameMatch, ...]:
    """Finds the classes of each name.

    First a label to the letter (in cleaned form). Then one of `others`, further names of the same
    classes in the same order (other languages), or a label without its number. At last any of
    these with case, spaces and the characters that stand for what a folder can't hold ("/") taken
    as alike, where that leaves one label.
    """
    lists = [tuple(map(clean, each)) for each in (labels, *others)]
    lists += [bare for each in lists if (bare := without_numbers(each)) is not None]
    first, further = _places(lists[:1], clean), _places(lists[1:], clean)
    near = _places(lists, _folded)
    return tuple(_match(clean(name), labels, first, further, near) for name in names)


def _match(
    name: str,
    labels: Sequence[str],
    first: Mapping[str, list[int]],
    further: Mapping[str, list[int]],
    near: Mapping[str, list[int]],
) -> NameMatch:
    for exact in (first, further):
        if name in exact:
            return NameMatch(name, tuple(exact[name]))
    classes = near.get(_folded(name), [])
    likely = tuple(dict.fromkeys(clean(labels[place]) for place in classes))
    if len(likely) > 1:
        return NameMatch(name, (), likely)
    return NameMatch(name, tuple(classes), exact=False)


def _places(lists: Iterable[Sequence[str]], form: Callable[[str], str]) -> dict[str, list[int]]:
    places: dict[str, set[int]] = defaultdict(set)
    for names in lists:
        for place, name in enumerate(names):
            if name:
                places[form(name)].add(place)
    return {name: sorted(found) for name, found in places.items()}


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return _ALIKE.sub("_", text).rstrip(".") or name


def matching_notes(matches: Sequence[NameMatch], labels: Sequence[str]) -> Iterator[str]:
    """Notes about the matches: inexact names, and labels of several classes."""
    near = [match for match in matches if not match.exact]
    if near:
        yield "matched with the nearest label: " + first_of(
            [f"{match.name} for {clean(labels[match.classes[0]])}" for match in near], _NAMED
        )
    for match in [match for match in matches if len(match.classes) > 1][:_NAMED]:
        places = first_of([str(place) for place in match.classes], _NAMED)
        yield (
            f"{match.name} is the name of {len(match.classes)} classes ({places}, counted from 0): "
            "each counts as correct for its photos"
        )
    if without_numbers(labels) is not None:
        yield (
            f"the labels begin with their numbers ({labels[0]!r}), which an app shows: "
            "packager metadata write MODEL --labels FILE --strip-index removes them"
        )


def joined_classes(groups: Iterable[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Groups of classes that aren't distinguished, merged where they share one."""
    above: dict[int, int] = {}

    def top(place: int) -> int:
        while above.setdefault(place, place) != place:
            place = above[place]
        return place

    for group in groups:
        for place in group[1:]:
            one, other = sorted((top(group[0]), top(place)))
            above[other] = one
    joined: dict[int, list[int]] = defaultdict(list)
    for place in sorted(above):
        joined[top(place)].append(place)
    return tuple(map(tuple, joined.values()))
