"""TFLite Model Maker's API for image classification, kept by packager.

`from tflite_model_maker import image_classifier` becomes `from packager.model_maker import
image_classifier`; so do `model_spec` and `config`. docs/migration.md describes the differences.
"""
