"""Project URLs of a release: those of the repository that publishes it."""

from __future__ import annotations

import os
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PAGES = {
    "Repository": "",
    "Documentation": "/blob/HEAD/docs/index.md",
    "Changelog": "/blob/HEAD/CHANGELOG.md",
    "Issues": "/issues",
}


class ProjectUrls(MetadataHookInterface):
    """Fills `[project.urls]` from `PACKAGER_REPOSITORY`; without it a build has none."""

    def update(self, metadata: dict[str, Any]) -> None:
        repository = os.environ.get("PACKAGER_REPOSITORY", "").rstrip("/")
        if repository:
            metadata["urls"] = {name: repository + page for name, page in PAGES.items()}
