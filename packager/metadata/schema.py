"""The tables of the TFLite metadata flatbuffer, schema version 1.5.0.

Field numbers and enum values: `metadata_schema.fbs` of TensorFlow Lite Support (file identifier
M001), which MediaPipe Tasks shares. The order of the fields gives their numbers; `flatbuffer.py`
says how the types are written.
"""

from __future__ import annotations

IDENTIFIER = b"M001"

# AssociatedFileType
TENSOR_AXIS_LABELS = 2
VOCABULARY = 5
SCANN_INDEX_FILE = 6

COLOR_SPACES = ("UNKNOWN", "RGB", "GRAYSCALE")
RGB = 1

TABLES: dict[str, dict[str, str]] = {
    "ModelMetadata": {
        "name": "string",
        "description": "string",
        "version": "string",
        "subgraph_metadata": "[SubGraphMetadata]",
        "author": "string",
        "license": "string",
        "associated_files": "[AssociatedFile]",
        "min_parser_version": "string",
    },
    "SubGraphMetadata": {
        "name": "string",
        "description": "string",
        "input_tensor_metadata": "[TensorMetadata]",
        "output_tensor_metadata": "[TensorMetadata]",
        "associated_files": "[AssociatedFile]",
        "input_process_units": "[ProcessUnit]",
        "output_process_units": "[ProcessUnit]",
        "input_tensor_groups": "[TensorGroup]",
        "output_tensor_groups": "[TensorGroup]",
        "custom_metadata": "[CustomMetadata]",
    },
    "TensorMetadata": {
        "name": "string",
        "description": "string",
        "dimension_names": "[string]",
        "content": "Content",
        "process_units": "[ProcessUnit]",
        "stats": "Stats",
        "associated_files": "[AssociatedFile]",
    },
    "TensorGroup": {"name": "string", "tensor_names": "[string]"},
    "CustomMetadata": {"name": "string", "data": "[ubyte]"},
    "AssociatedFile": {
        "name": "string",
        "description": "string",
        "type": "byte",
        "locale": "string",
        "version": "string",
    },
    "Content": {
        "content_properties": (
            "union FeatureProperties ImageProperties BoundingBoxProperties AudioProperties"
        ),
        "range": "ValueRange",
    },
    "FeatureProperties": {},
    "ImageProperties": {"color_space": "byte", "default_size": "ImageSize"},
    "ImageSize": {"width": "uint", "height": "uint"},
    "BoundingBoxProperties": {"index": "[uint]", "type": "byte", "coordinate_type": "byte"},
    "AudioProperties": {"sample_rate": "uint", "channels": "uint"},
    "ValueRange": {"min": "int", "max": "int"},
    "Stats": {"max": "[float]", "min": "[float]"},
    "ProcessUnit": {
        "options": (
            "union NormalizationOptions ScoreCalibrationOptions ScoreThresholdingOptions "
            "BertTokenizerOptions SentencePieceTokenizerOptions RegexTokenizerOptions"
        ),
    },
    "NormalizationOptions": {"mean": "[float]", "std": "[float]"},
    "ScoreCalibrationOptions": {"score_transformation": "byte", "default_score": "float"},
    "ScoreThresholdingOptions": {"global_score_threshold": "float"},
    "BertTokenizerOptions": {"vocab_file": "[AssociatedFile]"},
    "SentencePieceTokenizerOptions": {
        "sentencePiece_model": "[AssociatedFile]",
        "vocab_file": "[AssociatedFile]",
    },
    "RegexTokenizerOptions": {"delim_regex_pattern": "string", "vocab_file": "[AssociatedFile]"},
}

# What came into the schema after 1.0.0, and when.
UNIT_VERSIONS = {
    "BertTokenizerOptions": (1, 1, 0),
    "SentencePieceTokenizerOptions": (1, 1, 0),
    "RegexTokenizerOptions": (1, 2, 1),
}
FILE_TYPE_VERSIONS = {VOCABULARY: (1, 0, 1), SCANN_INDEX_FILE: (1, 4, 0)}
FILE_VERSION_VERSION = (1, 4, 1)
AUDIO_VERSION = (1, 3, 0)
SUBGRAPH_FIELD_VERSIONS = {
    "input_process_units": (1, 1, 0),
    "output_process_units": (1, 1, 0),
    "input_tensor_groups": (1, 2, 0),
    "output_tensor_groups": (1, 2, 0),
    "custom_metadata": (1, 5, 0),
}
