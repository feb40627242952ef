from __future__ import annotations

import numpy as np

from packager.export.bias_correction import corrected_bias
from packager.export.head import attach_head
from packager.export.sensitivity import logits
from tests.export.networks import pictures


def test_shift_of_the_scores_is_taken_off_whatever_one_odd_photo_says(
    tiny_backbone: bytes,
) -> None:
    kernel = np.random.default_rng(0).normal(0, 1, (16, 3)).astype(np.float32)
    shift = np.array([0.5, -0.25, 0.75], np.float32)
    stretched = kernel * np.float32(1 + 1e-4)
    model = attach_head(tiny_backbone, kernel, np.zeros(3, np.float32))
    shifted = attach_head(tiny_backbone, stretched, shift)
    usual = pictures(9, seed=1)
    samples = [*usual[:4], usual[4] * 1e4, *usual[5:]]
    corrected = corrected_bias(model, shifted, lambda: samples)
    change = logits(corrected, usual) - logits(model, usual)
    expected = np.broadcast_to(shift.mean() - shift, change.shape)
    np.testing.assert_allclose(change, expected, atol=0.01)
