"""A small model to make projects around, and one made."""

from __future__ import annotations

from pathlib import Path

import pytest

from packager.android.project import AndroidProject, generate_project
from packager.metadata.writer import ClassifierMetadata, write_metadata
from tests.metadata.tiny_models import tiny_model

LABELS = ("daisy", "rose", "tulip")
MEAN, STD = (127.0,), (128.0,)


def save_model(
    folder: Path, content: bytes | None = None, *, labels=LABELS, name="flowers", mean=MEAN, std=STD
) -> Path:
    path = folder / "model.tflite"
    metadata = ClassifierMetadata(labels=labels, name=name, mean=mean, std=std)
    path.write_bytes(write_metadata(content or tiny_model(classes=len(labels)), metadata))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_model(tmp_path)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> AndroidProject:
    """One with names that need every escape."""
    folder = tmp_path_factory.mktemp("project")
    return generate_project(
        save_model(folder), folder / "android", package="org.example.garden", app_name=AWKWARD
    )


AWKWARD = '@"Ann\'s" <b> & $x ${y} \\n  100% %s %d 🌹 וֶרֶד'
