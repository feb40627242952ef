"""What a model's metadata says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from packager.options import Option


@dataclass(frozen=True)
class MetadataSettings:
    """Free texts; an empty name or description is made of the photos' and the model's names."""

    name: Annotated[str, Option("The model's name, in its metadata.", "--name")] = ""
    description: Annotated[str, Option("Its description.", "--description")] = ""
    version: Annotated[str, Option("Its version.", "--model-version")] = "1"
    author: Annotated[str, Option("Its author.", "--author")] = ""
    licence: Annotated[str, Option("Its licence.", "--licence")] = ""
