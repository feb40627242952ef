"""Settings of the Android project that is generated around a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from packager.android.names import project_names
from packager.options import Option


@dataclass(frozen=True)
class AppSettings:
    """Whether a project is generated, and its names; values are checked on construction.

    Attributes:
        android: whether the project is generated.
        id: the application ID; name: shown below the app's icon; package: of the Kotlin code.
            None: derived from the model's name, or from each other.
    """

    android: Annotated[
        bool, Option("Generate an Android project around the model.", "--android")
    ] = True
    id: Annotated[
        str | None,
        Option(
            "Application ID, such as com.example.flowers.", "--app-id",
            usual="from the model's name",
            example="com.example.flowers",
        ),
    ] = None  # fmt: skip
    name: Annotated[
        str | None,
        Option(
            "Name shown below the app's icon.", "--app-name", usual="from the model's name",
            example="Flowers",
        ),
    ] = None  # fmt: skip
    package: Annotated[
        str | None,
        Option(
            "Package of the Kotlin code.", "--package", usual="the application ID",
            example="com.example.flowers",
        ),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        project_names("", package=self.package, app_id=self.id, app_name=self.name)
