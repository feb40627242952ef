"""Optional packages, and the extras that install them."""

from __future__ import annotations

import importlib.util
import sys

from packager.errors import SettingsError

# Extra -> the modules that it brings, and what they are called in a sentence.
_EXTRAS = {
    "hf": (("datasets",), "datasets, the Hugging Face library,"),
    "ray": (("ray", "pyarrow", "pandas"), "Ray"),
    "resnet50": (("h5py",), "h5py"),
    "timm": (("timm", "torch", "litert_torch"), "timm with litert-torch"),
    "tensorflow": (("tensorflow", "keras"), "TensorFlow"),
}
_TENSORFLOW_ENDS = (3, 14)  # the first Python that TensorFlow has no wheels for


def has_extra(extra: str) -> bool:
    """Whether the packages of `extra` are installed; nothing is imported."""
    return all(importlib.util.find_spec(module) for module in _EXTRAS[extra][0])


def require_extra(extra: str, where: str) -> None:
    """Raises `SettingsError` for the setting `where` unless `extra` is installed."""
    if has_extra(extra):
        return
    fix = f'Install it: pip install "tflite-packager[{extra}]".'
    if extra == "tensorflow" and sys.version_info >= _TENSORFLOW_ENDS:
        fix = "There is no TensorFlow for this Python: use Python 3.10 to 3.13 for it."
    raise SettingsError(f"{_EXTRAS[extra][1]} is required, but not installed", where=where, fix=fix)
