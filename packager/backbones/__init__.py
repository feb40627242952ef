"""The convolutional part of each model: architecture and pretrained weights."""
