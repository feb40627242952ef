package com.example.demo.core

import java.nio.ByteBuffer
import java.security.MessageDigest

/** How a photo is fitted into the model's input. */
enum class ResizeRule {
    /** The whole photo, its proportions given up; bilinear, nothing averaged. */
    STRETCH,

    /** The middle of the photo, 0.875 of what fits, in its proportions; bilinear, antialiased. */
    CROP,
}

/** What the model's output numbers are. */
enum class Semantics {
    PROBABILITIES,

    /** Scores before softmax. */
    LOGITS,
}

/** `model_spec.json` can't be read, or contradicts itself. */
class ModelSpecException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

/** A list of labels that lies beside the model; [sha256] is of its bytes. */
data class LabelsFile(
    val name: String,
    val sha256: String,
)

/**
 * What `model_spec.json` says of the model that lies beside it.
 *
 * @property mean a channel or one for all, of pixel values 0..255: a float or int8 model is fed
 *     `(pixel - mean) / std`; a uint8 model takes the pixels as they are.
 * @property sha256 of the model file.
 * @property architecture that packager trained, such as "lite0"; null for models of others.
 * @property packager the version that wrote the contract.
 * @property threshold the score, 0..1, below which the best class is not worth showing; null where
 *     none is known, or the model has a class for what it does not know.
 * @property localizedLabels the same labels in other languages, by tag such as "pt-BR".
 */
data class ModelSpec(
    val name: String,
    val file: String,
    val sha256: String,
    val quantization: String,
    val input: TensorSpec,
    val mean: List<Float>,
    val std: List<Float>,
    val resize: ResizeRule,
    val output: TensorSpec,
    val semantics: Semantics,
    val labelsFile: String,
    val labelCount: Int,
    val labelsSha256: String,
    val architecture: String? = null,
    val packager: String? = null,
    val localizedLabels: Map<String, LabelsFile> = emptyMap(),
    val threshold: Float? = null,
) {
    val inputWidth: Int get() = input.shape[2]

    val inputHeight: Int get() = input.shape[1]

    val classCount: Int get() = output.shape.last()

    companion object {
        /** Throws [ModelSpecException], which names the field and what is wrong with it. */
        fun parse(json: String): ModelSpec = readModelSpec(json)
    }
}

internal fun sha256(bytes: ByteBuffer): String =
    MessageDigest
        .getInstance("SHA-256")
        .apply { update(bytes.duplicate()) }
        .digest()
        .joinToString("") { "%02x".format(it) }
