"""A Gradle project around a .tflite image classifier, from the templates in `templates/android`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager import files
from packager.android.base import Answers, base_of, write_base
from packager.android.names import project_names
from packager.android.npu import check_npu
from packager.android.samples import write_sample_photos
from packager.android.template import render_tree, template_folder
from packager.classifier_interface import Size
from packager.errors import OutputError
from packager.metadata.reader import read_metadata
from packager.out_folder import check_out, reserved
from packager.record import as_json

ASSETS = Path("app", "src", "main", "assets")
_UPDATE = "Use --update in place of --force: it adds the new model and keeps your changes."


@dataclass(frozen=True)
class AndroidProject:
    """A generated Android project.

    Attributes:
        folder: open this one in Android Studio.
        package: of the Kotlin code; app_id: of the installed app; app_name: on the screen.
        model: the .tflite file that it runs; labels: in the order of the scores.
        files: number of files.
    """

    folder: Path
    package: str
    app_id: str
    app_name: str
    model: Path
    labels: tuple[str, ...]
    files: int

    @property
    def names(self) -> dict[str, str]:
        """As report.json has them."""
        return {"package": self.package, "app_id": self.app_id, "app_name": self.app_name}


def generate_project(
    model: Path,
    out: Path,
    *,
    package: str | None = None,
    app_id: str | None = None,
    app_name: str | None = None,
    spec: dict[str, Any] | None = None,
    locale: str | None = None,
    photos: Sequence[Path] = (),
    force: bool = False,
    input_size: Size | None = None,
    npu: str | None = None,
) -> AndroidProject:
    """Generates the folder `out`: an Android project that runs `model`.

    Args:
        model: any .tflite image classifier with labels inside.
        package, app_id, app_name: derived from the model's name where they aren't given.
        spec: the model's contract; by default model_spec.json beside the model, if it is of this
            very file, or else what the file and its metadata say.
        locale: the only language of the labels; by default the app shows them in that of the
            phone, where the model has them in several.
        photos: a few for the benchmark, with what the model says of them here to compare with;
            without them it is measured on drawn textures.
        force: replace an older project at `out`.
        input_size: height and width for a model whose input has none; the project's model has
            them in it.
        npu: one of `npu.VENDORS`, whose libraries the app gets; it then needs Android 12.

    Raises:
        SettingsError: LiteRT has no library for `npu`, or Java, Kotlin or Android don't take a
            name.
        OutputError: `out` is there already, or with `force` holds what packager didn't write.
        ModelFileError, MetadataError: the file isn't an image classifier, or says too little.
    """
    if os.path.lexists(out / ".git"):
        raise OutputError(
            "the project is under version control, and --force would delete its history",
            where=out,
            fix=_UPDATE,
        )
    check_npu(npu)
    check_out(out, force=force, what="project", ways={"": _UPDATE})
    with (
        reserved(out, force=force, what="project", ways={"": _UPDATE}) as place,
        place.filled() as fresh,
    ):
        return render_project(
            model, out, fresh, package=package, app_id=app_id, app_name=app_name, spec=spec,
            locale=locale, photos=photos, input_size=input_size, npu=npu,
        )  # fmt: skip


def render_project(
    model: Path,
    out: Path,
    fresh: Path,
    *,
    package: str | None,
    app_id: str | None,
    app_name: str | None,
    spec: dict[str, Any] | None,
    locale: str | None,
    photos: Sequence[Path],
    input_size: Size | None,
    npu: str | None,
) -> AndroidProject:
    """Fills the empty folder `fresh` with the project that is to lie at `out`.

    The arguments, and what is raised, are those of `generate_project`.
    """
    from packager import contract

    described = contract.describe_model(model, spec, locale, input_size=input_size)
    metadata = read_metadata(model)
    others = metadata.display_names if metadata and locale is None else {}
    described_spec, labels = contract.with_locales(described.spec, described.labels, others)
    names = project_names(
        _subject(described.spec), package=package, app_id=app_id, app_name=app_name
    )
    values = {"package": names.package, "app_id": names.app_id, "app_name": names.app_name}
    count = render_tree(template_folder("android"), fresh, {**values, "npu": npu or ""})
    assets = fresh / ASSETS
    files.write_bytes(assets / contract.MODEL_FILE, described.model)
    for name, text in labels.items():
        files.write_text(assets / name, text)
    files.write_text(assets / contract.SPEC_FILE, as_json(described_spec))
    if photos:
        count += write_sample_photos(assets / "benchmark", photos, [described])
    write_base(fresh, base_of(fresh, Answers(**values, locale=locale, npu=npu)))
    return AndroidProject(
        out,
        names.package,
        names.app_id,
        names.app_name,
        model,
        described.labels,
        count + len(labels) + 4,
    )


def _subject(spec: dict[str, Any]) -> str:
    """What the model is about: its name, without that of the architecture behind it."""
    from packager.specs import SPECS

    name = str(spec["model"]["name"])
    endings = (name.removesuffix(known.title).strip() for known in SPECS.values())
    return min(endings, key=len) or name
