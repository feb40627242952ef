package com.example.demo.core

/** What a tensor's numbers are stored as. */
enum class TensorType(
    val bytes: Int,
) {
    UINT8(1),
    INT8(1),
    FLOAT32(4),
}

/**
 * One input or output of the model.
 *
 * @property scale of a quantized tensor, else null: the number is `scale * (integer - zeroPoint)`.
 */
data class TensorSpec(
    val name: String,
    val shape: List<Int>,
    val type: TensorType,
    val scale: Float?,
    val zeroPoint: Int?,
) {
    val elementCount: Int = shape.fold(1, Int::times)

    val byteCount: Int = elementCount * type.bytes
}
