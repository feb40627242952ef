package com.example.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

internal const val LABELS = "daisy\nrose\ntulip\n"
private const val DIGEST = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/** A whole model_spec.json; [changes] replaces parts of its text. */
internal fun specJson(vararg changes: Pair<String, String>): String {
    val digest = sha256(ByteBuffer.wrap(LABELS.encodeToByteArray()))
    val whole =
        """
        {
          "format": 1,
          "model": {
            "name": "flowers", "file": "model.tflite", "bytes": 12, "sha256": "$DIGEST",
            "spec": "lite0", "quantization": "int8"
          },
          "input": {
            "name": "image", "shape": [1, 2, 4, 3], "dtype": "uint8", "scale": 0.0078125,
            "zero_point": 127, "color_space": "RGB", "mean": [127.0], "std": [128.0]
          },
          "resize": {"rule": "stretch", "interpolation": "bilinear", "antialias": false},
          "output": {
            "name": "scores", "shape": [1, 3], "dtype": "uint8", "scale": 0.00390625,
            "zero_point": 0, "semantics": "probabilities"
          },
          "labels": {"file": "labels.txt", "count": 3, "sha256": "$digest"},
          "accuracy": null,
          "versions": {"packager": "1"}
        }
        """.trimIndent()
    return changes.fold(whole) { text, (old, new) ->
        check(old in text) { "$old is not in the file" }
        text.replace(old, new)
    }
}

/** A spec of float tensors unless asked otherwise; mean 0 and std 1 keep levels as they are. */
internal fun spec(
    width: Int = 4,
    height: Int = 2,
    type: TensorType = TensorType.FLOAT32,
    mean: List<Float> = listOf(0f),
    std: List<Float> = listOf(1f),
    resize: ResizeRule = ResizeRule.STRETCH,
    outputType: TensorType = TensorType.FLOAT32,
    scale: Float? = null,
    zeroPoint: Int? = null,
    semantics: Semantics = Semantics.PROBABILITIES,
): ModelSpec =
    ModelSpec.parse(specJson()).copy(
        input = TensorSpec("image", listOf(1, height, width, 3), type, scale, zeroPoint),
        mean = mean,
        std = std,
        resize = resize,
        output = TensorSpec("scores", listOf(1, 3), outputType, scale, zeroPoint),
        semantics = semantics,
    )

internal fun nativeBuffer(bytes: Int): ByteBuffer =
    ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

internal fun nativeFloats(vararg values: Float): ByteBuffer =
    nativeBuffer(values.size * Float.SIZE_BYTES).apply { asFloatBuffer().put(values) }

internal fun gray(level: Int): Int = (255 shl 24) or (level shl 16) or (level shl 8) or level
