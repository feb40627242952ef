"""The convolutional part of each model: architecture and pretrained weights."""

from packager.backbones.pretrained import build_backbone
from packager.backbones.weights import Weights, WeightsStatus, find_weights, list_weights

__all__ = ["Weights", "WeightsStatus", "build_backbone", "find_weights", "list_weights"]
