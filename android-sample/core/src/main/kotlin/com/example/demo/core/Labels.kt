package com.example.demo.core

import java.nio.ByteBuffer

/**
 * The list of labels for people who read [language], a tag such as "pt-BR": in that language, else
 * in the same one of another country, else the one that is there for all.
 */
fun ModelSpec.labelsFor(language: String): LabelsFile {
    fun spoken(tag: String) = tag.substringBefore('-')
    val tags = localizedLabels.keys
    val tag =
        tags.find { it.equals(language, ignoreCase = true) }
            ?: tags.find { it.equals(spoken(language), ignoreCase = true) }
            ?: tags.find { spoken(it).equals(spoken(language), ignoreCase = true) }
    return localizedLabels[tag] ?: LabelsFile(labelsFile, labelsSha256)
}

/**
 * The labels in the order of the model's scores.
 *
 * Throws [ModelMismatchException] when [text] is not the [file] that [spec] describes.
 */
fun parseLabels(
    text: String,
    spec: ModelSpec,
    file: LabelsFile = LabelsFile(spec.labelsFile, spec.labelsSha256),
): List<String> {
    // Only "\n" ends a label: other line breaks may be part of one.
    val labels = if (text.isEmpty()) emptyList() else text.removeSuffix("\n").split('\n')
    if (labels.size != spec.labelCount) {
        throw ModelMismatchException(
            "${file.name} has ${labels.size} labels, but model_spec.json says " +
                "${spec.labelCount}. Put both from the same build into the assets.",
        )
    }
    val digest = sha256(ByteBuffer.wrap(text.encodeToByteArray()))
    if (digest != file.sha256) {
        throw ModelMismatchException(
            "${file.name} is not the file of model_spec.json: its SHA-256 is $digest, not " +
                "${file.sha256}. Put both from the same build into the assets, with the " +
                "line ends as they are.",
        )
    }
    return labels
}
