"""Writes timm_vectors.json: what timm computes with weights that follow from the tensors' names.

To be run where timm, PyTorch and numpy are: python -m tests.backbones.timm_vectors
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.backbones.named_weights import listing, named_tensor, picture

VECTORS = Path(__file__).with_name("timm_vectors.json")
# Our name -> timm's, and the side of the picture where it isn't the configuration's first.
MODELS = {
    "mobilenet_v3_l": ("mobilenetv3_large_100.miil_in21k_ft_in1k", None),
    "mobilenet_v4_s": ("mobilenetv4_conv_small.e2400_r224_in1k", None),
    "mobilenet_v4_m": ("mobilenetv4_conv_medium.e500_r256_in1k", None),
    "efficientnet_v2_b0": ("tf_efficientnetv2_b0.in1k", 224),
    "resnet50": ("resnet50.tv_in1k", None),
}
EVERY = 40  # every so many features are kept


def vectors(name: str, size: int | None) -> dict[str, Any]:
    """What is kept of one model."""
    import timm
    import torch

    model = timm.create_model(name).eval()
    state = {key: tensor for key, tensor in model.state_dict().items() if "num_batches" not in key}
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    drawn = {key: torch.from_numpy(named_tensor(key, shape)) for key, shape in shapes.items()}
    model.load_state_dict(drawn, strict=False)
    config = timm.data.resolve_model_data_config(model)
    side = size or config["input_size"][1]
    pixels = picture(side, seed=1).astype(np.float32) / 255
    image = ((pixels - config["mean"]) / config["std"]).astype(np.float32)
    products = 0

    def count(module: Any, inputs: Any, output: Any) -> None:
        nonlocal products
        products += module.weight[0].numel() * output[0].numel()

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(count)
    with torch.no_grad():
        batch = torch.from_numpy(image.transpose(2, 0, 1)[None])
        logits = model(batch)[0].numpy()
        once = products
        features = model.forward_head(model.forward_features(batch), pre_logits=True)[0].numpy()
    return {
        "timm": name,
        "version": timm.__version__,
        "input": side,
        **{key: config[key] for key in ("mean", "std", "crop_pct", "interpolation")},
        "parameters": sum(each.numel() for each in model.parameters()),
        "multiply_adds": once,
        "names": listing(shapes),
        "tensors": len(shapes),
        "features": [round(float(each), 6) for each in features[::EVERY]],
        "largest": round(float(np.abs(features).max()), 6),
        "logits": [round(float(each), 6) for each in logits[::EVERY]],
    }


if __name__ == "__main__":
    found = {ours: vectors(*theirs) for ours, theirs in MODELS.items()}
    lines = (f"{json.dumps(name)}: {json.dumps(each)}" for name, each in found.items())
    VECTORS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
