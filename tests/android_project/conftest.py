"""A small model to make projects around, and one made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from packager.android.project import AndroidProject, generate_project
from packager.contract import describe_model
from packager.metadata.writer import ClassifierMetadata, write_metadata
from packager.record import as_json
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


def save_with_contract(folder: Path, *, labels=LABELS, name="flowers") -> Path:
    """With its model_spec.json beside it, so that it isn't run whenever a project is made."""
    path = save_model(folder, labels=labels, name=name)
    spec = as_json(describe_model(path).spec)
    (folder / "model_spec.json").write_text(spec, encoding="utf-8")
    return path


def two_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The second has a class more."""
    return (
        save_with_contract(tmp_path_factory.mktemp("flowers")),
        save_with_contract(
            tmp_path_factory.mktemp("poppies"), labels=(*LABELS, "poppy"), name="Poppies"
        ),
    )


@pytest.fixture(scope="session")
def model_and_contract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_with_contract(tmp_path_factory.mktemp("model"))


@pytest.fixture
def model(model_and_contract: Path, tmp_path: Path) -> Path:
    for path in (model_and_contract, model_and_contract.with_name("model_spec.json")):
        shutil.copy(path, tmp_path)
    return tmp_path / model_and_contract.name


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> AndroidProject:
    """One with names that need every escape."""
    folder = tmp_path_factory.mktemp("project")
    return generate_project(
        save_model(folder), folder / "android", package="org.example.garden", app_name=AWKWARD
    )


AWKWARD = '@"Ann\'s" <b> & $x ${y} \\n  100% %s %d 🌹 וֶרֶד'
