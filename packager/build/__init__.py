"""From a folder of photos to an evaluated .tflite: `build` and its settings.

`run` is the order of the steps; each step is a file here that takes its own part of the
settings. `packager.compare`, `packager.choose` and `packager.model_maker` use the same steps.
"""

from packager.android.settings import AppSettings
from packager.backbones.settings import ModelSettings
from packager.build.run import BuildResult, build
from packager.build.settings import BuildSettings, OutputSettings, out_folder
from packager.data.settings import PhotoSettings
from packager.export.settings import QuantizationSettings
from packager.metadata.settings import MetadataSettings
from packager.training.settings import (
    FeatureSettings,
    FineTuneSettings,
    HeadSettings,
    UnknownSettings,
)

__all__ = [
    "AppSettings",
    "BuildResult",
    "BuildSettings",
    "FeatureSettings",
    "FineTuneSettings",
    "HeadSettings",
    "MetadataSettings",
    "ModelSettings",
    "OutputSettings",
    "PhotoSettings",
    "QuantizationSettings",
    "UnknownSettings",
    "build",
    "out_folder",
]
