"""Generates a web page around a .tflite image classifier, from `templates/web`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packager import files
from packager.classifier_interface import Size
from packager.errors import SettingsError
from packager.out_folder import check_out, reserved
from packager.progress import SILENT, Progress
from packager.record import as_json
from packager.web.serve import Served, serve_folder

SAMPLES = "samples"
RUNTIME = "litertjs"
_PAGE = "index.html"


@dataclass(frozen=True)
class WebPage:
    """What was made.

    Attributes:
        folder: to be served; index.html in it is the page.
        model: the .tflite that it's around; labels: in the order of the scores.
        bundled: whether the runtime is in it, and nothing is loaded from elsewhere.
        files: how many there are.
    """

    folder: Path
    model: Path
    labels: tuple[str, ...]
    bundled: bool
    files: int


def generate_page(
    model: Path,
    out: Path,
    *,
    spec: dict[str, Any] | None = None,
    locale: str | None = None,
    photos: Sequence[Path] = (),
    bundle: bool = False,
    force: bool = False,
    input_size: Size | None = None,
    progress: Progress = SILENT,
) -> WebPage:
    """Makes the folder `out`: a page that runs `model` in the browser.

    Args:
        model: any .tflite image classifier with labels inside, as
            `packager.android.project.generate_project` takes.
        spec: the model's contract; by default as `packager.contract.describe_model` finds it.
        locale: the only language of the labels; by default the page shows them in that of the
            browser, where the model has them in several.
        photos: samples to try; what can't be read of them is left out (`demand_photos`).
        bundle: copy the runtime in; by default the browser loads it from a public address.
        force: replace an older page at `out`.
        input_size: height and width for a model whose input has none.

    Raises:
        OutputError: `out` is there already, or with `force` holds what packager didn't write.
        ModelFileError, MetadataError: the file isn't an image classifier, or says too little.
        DownloadError: the runtime can't be fetched.
    """
    check_out(out, force=force, what="page")
    with reserved(out, force=force, what="page") as place, place.filled() as fresh:
        return render_page(
            model, out, fresh, spec=spec, locale=locale, photos=photos, bundle=bundle,
            input_size=input_size, progress=progress,
        )  # fmt: skip


def serve_page(
    model: Path,
    ready: Callable[[Served], None],
    *,
    host: str | None = None,
    port: int = 0,
    locale: str | None = None,
    photos: Sequence[Path] = (),
    bundle: bool = False,
    input_size: Size | None = None,
    progress: Progress = SILENT,
) -> None:
    """Serves a page that runs `model`, which is gone when it is interrupted.

    The arguments, and what is raised, are those of `generate_page` and `serve_folder`.
    """
    with files.temporary_folder() as folder:
        render_page(
            model, folder, folder, locale=locale, photos=photos, bundle=bundle,
            input_size=input_size, progress=progress,
        )  # fmt: skip
        serve_folder(folder, ready, host=host, port=port)


def demand_photos(photos: Sequence[Path]) -> None:
    """Raises `DataError` for a photo that can't be read."""
    from packager.data.images import open_photo

    for photo in photos:
        open_photo(photo)


def check_serving(out: Path | None, *, serve: bool, host: str | None, port: int | None) -> None:
    """Raises `SettingsError` for options that don't go together."""
    if serve and out is not None:
        raise SettingsError(
            "it can't be combined with --serve", where="--out", fix="Give only one of the two."
        )
    if not serve and out is None:
        raise SettingsError(
            "the output folder is missing", where="--out", fix="Give --out DIR or --serve."
        )
    for flag, value in (("--host", host), ("--port", port)):
        if value is not None and not serve:
            raise SettingsError("it can only be used with --serve", where=flag, fix="Add --serve.")


def render_page(
    model: Path,
    out: Path,
    fresh: Path,
    *,
    spec: dict[str, Any] | None = None,
    locale: str | None = None,
    photos: Sequence[Path] = (),
    bundle: bool = False,
    input_size: Size | None = None,
    progress: Progress = SILENT,
) -> WebPage:
    """Fills the empty folder `fresh` with the page that is to lie at `out`.

    The arguments, and what is raised, are those of `generate_page`.
    """
    from packager import contract
    from packager.android.samples import write_sample_photos
    from packager.android.template import template_folder
    from packager.metadata.reader import read_metadata
    from packager.web.runtime import copy_runtime

    described = contract.describe_model(model, spec, locale, input_size=input_size)
    metadata = read_metadata(model)
    others = metadata.display_names if metadata and locale is None else {}
    described_spec, labels = contract.with_locales(described.spec, described.labels, others)
    if bundle:
        copy_runtime(fresh / RUNTIME, progress)
    files.write_bytes(fresh / contract.MODEL_FILE, described.model)
    for name, text in labels.items():
        files.write_text(fresh / name, text)
    files.write_text(fresh / contract.SPEC_FILE, as_json(described_spec))
    if photos:
        write_sample_photos(fresh / SAMPLES, photos, [described])
    for path in sorted(template_folder("web").iterdir()):
        if path.name != _PAGE:
            files.write_bytes(fresh / path.name, path.read_bytes())
    samples = sorted((fresh / SAMPLES).glob("photos/*.png"))
    files.write_text(
        fresh / _PAGE, _page([path.relative_to(fresh).as_posix() for path in samples], bundle)
    )
    count = sum(path.is_file() for path in fresh.rglob("*"))
    return WebPage(out, model, described.labels, bundle, count)


def _page(samples: Sequence[str], bundle: bool) -> str:
    from jinja2.utils import htmlsafe_json_dumps

    from packager.pages import page_environment
    from packager.web.runtime import CDN, INTEGRITY, MAIN

    base = f"./{RUNTIME}/" if bundle else CDN
    import_map = htmlsafe_json_dumps(
        {
            "imports": {
                "@litertjs/core": f"{base}{MAIN}",
                "@litertjs/wasm-utils": "./wasm_loader.js",
            },
            "integrity": {f"{base}{MAIN}": INTEGRITY[MAIN]},
        }
    )
    runtime = htmlsafe_json_dumps({"base": base, "integrity": INTEGRITY, "samples": list(samples)})
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    elsewhere = "" if bundle else f" {CDN}"
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'wasm-unsafe-eval' 'sha256-{digest}'{elsewhere}",
            f"connect-src 'self'{elsewhere}",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    page = page_environment("web").get_template(_PAGE)
    return page.render(import_map=import_map, runtime=runtime, policy=policy)
