"""What timm's state dicts call the layers of a block, beside our names of them."""

from __future__ import annotations


def convolution_names(ours: str, theirs: str) -> dict[str, str]:
    """Of a convolution with its BatchNorm: timm's block "cn"."""
    return {f"{ours}_conv": f"{theirs}.conv", f"{ours}_norm": f"{theirs}.bn1"}


def inverted_names(ours: str, theirs: str, *, expands: bool, excites: bool) -> dict[str, str]:
    """Of `layers.inverted_residual`: timm's blocks "ir", and "ds" where nothing is expanded."""
    if expands:
        names = _numbered(ours, theirs, expand="conv_pw", depthwise="conv_dw", project="conv_pwl")
    else:
        names = _numbered(ours, theirs, depthwise="conv_dw", project="conv_pw")
    if excites:
        names |= {
            f"{ours}_excite_{part}_conv": f"{theirs}.se.conv_{part}"
            for part in ("reduce", "expand")
        }
    return names


def fused_names(ours: str, theirs: str) -> dict[str, str]:
    """Of `layers.fused_residual`: timm's block "er"."""
    return _numbered(ours, theirs, expand="conv_exp", project="conv_pwl")


def _numbered(ours: str, theirs: str, **parts: str) -> dict[str, str]:
    names = {}
    for number, (part, published) in enumerate(parts.items(), start=1):
        names[f"{ours}_{part}_conv"] = f"{theirs}.{published}"
        names[f"{ours}_{part}_norm"] = f"{theirs}.bn{number}"
    return names
