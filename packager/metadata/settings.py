"""Settings of the metadata inside a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from packager.options import Option


@dataclass(frozen=True)
class MetadataSettings:
    """Free texts; an empty name or description is derived from the photos and the spec."""

    name: Annotated[str, Option("Name of the model, in its metadata.", "--name")] = ""
    description: Annotated[str, Option("Description of the model.", "--description")] = ""
    version: Annotated[str, Option("Version of the model.", "--model-version")] = "1"
    author: Annotated[str, Option("Author of the model.", "--author")] = ""
    licence: Annotated[str, Option("Licence of the model.", "--licence")] = ""
