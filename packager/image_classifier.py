"""Model Maker's image classifier, under a short name: see `packager.model_maker`."""

from packager.model_maker import config, model_spec
from packager.model_maker.image_classifier import *  # noqa: F403
from packager.model_maker.image_classifier import __all__ as _names

__all__ = [*_names, "config", "model_spec"]
