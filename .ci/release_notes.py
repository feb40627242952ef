"""Prints the part of CHANGELOG.md that a release's tag stands for, as the text of the release.

    python .ci/release_notes.py v0.2.0

Ends with status 1 where the tag isn't the version in packager/__init__.py, or the version has no
section, or an empty one: so a release that nobody wrote down does not happen.
"""

import re
import sys
from pathlib import Path


def release_notes(tag: str, root: Path) -> str:
    """The section's text, without its heading.

    Raises:
        ValueError: the tag, the code and the changelog don't agree.
    """
    code = (root / "packager" / "__init__.py").read_text(encoding="utf-8")
    version = re.findall(r'^__version__ = "(.+)"$', code, re.MULTILINE)
    if [tag] != [f"v{number}" for number in version]:
        raise ValueError(f"The tag is {tag}, and packager/__init__.py says {version}.")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = rf"^## \[{re.escape(tag[1:])}\] - \d{{4}}-\d{{2}}-\d{{2}}$"
    parts = re.split(heading, changelog, maxsplit=1, flags=re.MULTILINE)
    notes = re.split(r"^## ", parts[-1], maxsplit=1, flags=re.MULTILINE)[0].strip()
    if len(parts) == 1 or not notes:
        raise ValueError(f"CHANGELOG.md has no text under `## [{tag[1:]}] - YYYY-MM-DD`.")
    return notes


if __name__ == "__main__":
    try:
        print(release_notes(sys.argv[1], Path(__file__).parents[1]))
    except ValueError as error:
        sys.exit(str(error))
