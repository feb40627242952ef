package com.example.demo.core

import java.nio.ByteBuffer

/**
 * The labels in the order of the model's scores.
 *
 * Throws [ModelMismatchException] when [text] is not the file that [spec] describes.
 */
fun parseLabels(
    text: String,
    spec: ModelSpec,
): List<String> {
    // Only "\n" ends a label: other line breaks may be part of one.
    val labels = if (text.isEmpty()) emptyList() else text.removeSuffix("\n").split('\n')
    if (labels.size != spec.labelCount) {
        throw ModelMismatchException(
            "${spec.labelsFile} has ${labels.size} labels, but model_spec.json says " +
                "${spec.labelCount}. Put both from the same build into the assets.",
        )
    }
    val digest = sha256(ByteBuffer.wrap(text.encodeToByteArray()))
    if (digest != spec.labelsSha256) {
        throw ModelMismatchException(
            "${spec.labelsFile} is not the file of model_spec.json: its SHA-256 is $digest, not " +
                "${spec.labelsSha256}. Put both from the same build into the assets, with the " +
                "line ends as they are.",
        )
    }
    return labels
}
