"""The Android project that is made around a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from packager.android.names import project_names
from packager.options import Option


@dataclass(frozen=True)
class AppSettings:
    """Whether there is a project, and its names; checked when they are made.

    Attributes:
        android: whether it is made.
        id: of the installed app; name: below its icon; package: of its Kotlin code. None: from
            the model's name, or from each other.
    """

    android: Annotated[bool, Option("Make an Android project around the model.", "--android")] = (
        True
    )
    id: Annotated[
        str | None,
        Option(
            "The app's id, such as com.example.flowers.", "--app-id", usual="from the model's name",
            example="com.example.flowers",
        ),
    ] = None  # fmt: skip
    name: Annotated[
        str | None,
        Option(
            "The name below its icon.", "--app-name", usual="from the model's name",
            example="Flowers",
        ),
    ] = None  # fmt: skip
    package: Annotated[
        str | None,
        Option(
            "Package of its Kotlin code.", "--package", usual="the app's id",
            example="com.example.flowers",
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        project_names("", package=self.package, app_id=self.id, app_name=self.name)
