"""What imports what, against the picture in docs/architecture.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import pytest

from tests.conftest import ROOT

Imports = Mapping[str, set[str]]  # of a file, those that it imports: paths within packager/

PAGE = ROOT / "docs" / "architecture.md"
# A box of the picture: its lines; in a line chains of files and folders with arrows between.
_BOX = re.compile(r"┌─ .+? ─*┐\n(.*?)└", re.DOTALL)
_PLACE = re.compile(r"[\w/]+(?:/|\.py)(?![\w/])")


def read_imports(package: Path) -> dict[str, set[str]]:
    """Every import of another file of the package, wherever in a file it stands.

    Those in functions count, and those for types: who reads a file has to know what these are.
    """
    files = {
        ".".join((package.name, *path.relative_to(package).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): path.relative_to(package).as_posix()
        for path in sorted(package.rglob("*.py"))
    }

    def imported(path: str) -> Iterator[str]:
        for node in ast.walk(ast.parse((package / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.module, f"{path} has a relative import"
                inside = [f"{node.module}.{name.name}" for name in node.names]
                yield from (name if name in files else node.module for name in inside)

    return {
        path: {files[name] for name in imported(path) if name in files} - {path}
        for path in files.values()
    }


def cycles(imports: Imports) -> list[list[str]]:
    """Groups of files of which each imports, over others, itself (Tarjan 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_files: list[str] = []
    found: list[list[str]] = []

    def visit(file: str) -> None:
        order[file] = lowest[file] = len(order)
        open_files.append(file)
        for other in sorted(imports[file]):
            if other not in order:
                visit(other)
                lowest[file] = min(lowest[file], lowest[other])
            elif other in open_files:
                lowest[file] = min(lowest[file], order[other])
        if lowest[file] == order[file]:
            group = open_files[open_files.index(file) :]
            del open_files[-len(group) :]
            if len(group) > 1:
                found.append(sorted(group))

    for file in imports:
        if file not in order:
            visit(file)
    return found


@dataclass(frozen=True)
class Picture:
    """The boxes from above to below.

    Attributes:
        boxes: of each file or folder, the number of its box, 0 for the highest.
        arrows: pairs between which an arrow stands.
    """

    boxes: dict[str, int]
    arrows: set[tuple[str, str]]

    def place(self, file: str) -> str | None:
        """The file itself, or the nearest of its folders that the picture has."""
        folders = [f"{folder}/" for folder in Path(file).parents]
        return next((place for place in (file, *folders) if place in self.boxes), None)

    def allows(self, place: str, other: str) -> bool:
        """Whether what is at `place` may import what is at `other`."""
        if self.boxes[place] != self.boxes[other]:
            return self.boxes[place] < self.boxes[other]
        return any(
            start == place and (end == other or self.allows(end, other))
            for start, end in self.arrows
        )


def read_picture(page: str) -> Picture:
    boxes: dict[str, int] = {}
    arrows: set[tuple[str, str]] = set()
    for number, content in enumerate(_BOX.findall(page)):
        for row in re.split(r"\n| {3,}", content):
            links = [_PLACE.findall(link) for link in row.split("─►")]
            for place in chain.from_iterable(links):
                assert boxes.setdefault(place, number) == number, f"{place} is in two boxes"
            for left, right in pairwise(links):
                arrows |= {(start, end) for start in left for end in right}
    assert not cycles({place: {b for a, b in arrows if a == place} for place in boxes})
    return Picture(boxes, arrows)


def differences(imports: Imports, picture: Picture) -> Iterable[str]:
    """In which the picture and the imports don't agree."""
    places = {file: picture.place(file) for file in imports}
    yield from (f"{file} is in no box" for file, place in places.items() if place is None)
    yield from (f"there is no {place}" for place in picture.boxes.keys() - set(places.values()))
    drawn = set()
    for file, others in imports.items():
        for other in others:
            start, end = places[file], places[other]
            if start and end and start != end:
                drawn.add((start, end))
                if not picture.allows(start, end):
                    yield f"{file} imports {other}, which stands above it or without an arrow to it"
    yield from (f"nothing in {a} imports {b}" for a, b in picture.arrows - drawn)


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    return read_imports(ROOT / "packager")


def test_no_file_imports_itself_over_others(imports: Imports) -> None:
    assert cycles(imports) == []


def test_the_picture_and_the_imports_agree(imports: Imports) -> None:
    picture = read_picture(PAGE.read_text(encoding="utf-8"))
    assert len(set(picture.boxes.values())) > 5
    assert sorted(differences(imports, picture)) == []


def test_the_page_names_no_file_that_is_not_there() -> None:
    named = set(re.findall(r"[\w/]+\.py\b", PAGE.read_text(encoding="utf-8")))
    here = {f"/{path.relative_to(ROOT).as_posix()}" for path in ROOT.glob("*/**/*.py")}
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in here)] == []


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    texts = {
        "__init__.py": "",
        "a.py": "import own.b\nfrom own import c\n",
        "b.py": "def f():\n    from own.d import x\n",
        "c.py": "import numpy\n",
        "d/__init__.py": "from own.d.e import x\n",
        "d/e.py": "if TYPE_CHECKING:\n    from own.a import x\n",
    }
    for name, text in texts.items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_text(text)
    found = read_imports(tmp_path / "own")
    assert found == {
        "__init__.py": set(), "a.py": {"b.py", "c.py"}, "b.py": {"d/__init__.py"}, "c.py": set(),
        "d/__init__.py": {"d/e.py"}, "d/e.py": {"a.py"},
    }  # fmt: skip
    assert cycles(found) == [["a.py", "b.py", "d/__init__.py", "d/e.py"]]


SMALL = """
┌─ high ───────┐
│ a.py ─► b/   │  text
└──────┬───────┘
       ▼
┌─ low ────────┐
│ c.py  b/d.py │
└──────────────┘
"""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"c.py": {"a.py"}}, ["c.py imports a.py, which"]),
        ({"b/e.py": {"a.py"}}, ["b/e.py imports a.py, which"]),
        ({"c.py": {"b/d.py"}}, ["c.py imports b/d.py, which"]),
        ({"f.py": set()}, ["f.py is in no box"]),
        ({"a.py": set()}, ["nothing in a.py imports b/"]),
    ],
)
def test_what_the_picture_lacks_is_told(changed: dict[str, set[str]], said: list[str]) -> None:
    small = {"a.py": {"b/e.py"}, "b/e.py": {"c.py", "b/d.py"}, "b/d.py": set(), "c.py": set()}
    found = list(differences(small | changed, read_picture(SMALL)))
    assert [text[: len(start)] for text, start in zip(found, said, strict=True)] == said
