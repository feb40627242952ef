package com.example.demo.core

import java.nio.ByteBuffer

/** The model or its labels are not those that `model_spec.json` describes. */
class ModelMismatchException(
    message: String,
) : Exception(message)

/**
 * A tensor as the runtime reports it.
 *
 * @property type null where the runtime doesn't say, or has no such [TensorType].
 */
data class ActualTensor(
    val name: String,
    val shape: List<Int>,
    val type: TensorType? = null,
)

/**
 * Throws [ModelMismatchException], which names every difference.
 *
 * Names are not compared: runtimes give those of the signature, or of the tensors.
 */
fun ModelSpec.check(
    inputs: List<ActualTensor>,
    outputs: List<ActualTensor>,
) {
    val differences = differences("input", input, inputs) + differences("output", output, outputs)
    if (differences.isNotEmpty()) {
        throw ModelMismatchException(
            "$file is not the model of model_spec.json: ${differences.joinToString("; ")}. " +
                "Put both from the same build into the assets.",
        )
    }
}

/** Throws [ModelMismatchException] unless this is the very file, byte for byte. */
fun ModelSpec.checkFile(model: ByteBuffer) {
    val actual = sha256(model)
    if (actual != sha256) {
        throw ModelMismatchException(
            "$file is not the model of model_spec.json: its SHA-256 is $actual, not $sha256. " +
                "Put both from the same build into the assets.",
        )
    }
}

private fun differences(
    role: String,
    expected: TensorSpec,
    actual: List<ActualTensor>,
): List<String> {
    val tensor =
        actual.singleOrNull() ?: return listOf("it has ${actual.size} ${role}s, not one")
    return listOfNotNull(
        "its $role ${tensor.name} has the shape ${tensor.shape}, not ${expected.shape}"
            .takeIf { tensor.shape != expected.shape },
        "its $role ${tensor.name} is ${tensor.type}, not ${expected.type}"
            .takeIf { tensor.type != null && tensor.type != expected.type },
    )
}
