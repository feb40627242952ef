"""The NPU vendors for which LiteRT has a runtime, as an Android library.

Names and needs are those of `samples/litert/image_segmentation/kotlin_npu` in
github.com/google-ai-edge/litert-samples.
"""

from __future__ import annotations

from packager.errors import SettingsError

VENDORS = ("google-tensor", "mediatek", "qualcomm")


def check_npu(vendor: str | None) -> None:
    """Raises SettingsError unless it is None or one of VENDORS."""
    if vendor is not None and vendor not in VENDORS:
        raise SettingsError(
            f"{vendor!r:.100} is not an NPU vendor that LiteRT supports",
            where="--npu",
            fix=f"Give one of {', '.join(VENDORS)}.",
        )
