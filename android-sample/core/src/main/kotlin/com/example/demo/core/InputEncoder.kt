package com.example.demo.core

import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/** Turns RGB levels into the numbers that the model takes. */
internal class InputEncoder(
    spec: ModelSpec,
) {
    private val type = spec.input.type

    // What each of a channel's 256 levels becomes.
    private val reals = if (type == TensorType.UINT8) FloatArray(0) else normalised(spec)
    private val integers =
        if (type == TensorType.INT8) quantized(reals, spec.input) else ByteArray(0)

    private val floats = FloatArray(if (type == TensorType.FLOAT32) spec.input.elementCount else 0)
    private val bytes = ByteArray(if (type == TensorType.INT8) spec.input.elementCount else 0)
    private var viewed: ByteBuffer? = null
    private var view: FloatBuffer = FloatBuffer.allocate(0)

    fun encode(
        levels: ByteArray,
        target: ByteBuffer,
    ) {
        reset(target)
        when (type) {
            TensorType.UINT8 -> {
                target.put(levels)
            }

            TensorType.INT8 -> {
                for (i in bytes.indices) bytes[i] = integers[entry(i, levels)]
                target.put(bytes)
            }

            TensorType.FLOAT32 -> {
                for (i in floats.indices) floats[i] = reals[entry(i, levels)]
                floatView(target).put(floats)
            }
        }
        reset(target)
    }

    private fun entry(
        index: Int,
        levels: ByteArray,
    ): Int = index % 3 * LEVELS + (levels[index].toInt() and 255)

    private fun floatView(target: ByteBuffer): FloatBuffer {
        if (target !== viewed) {
            require(target.order() == ByteOrder.nativeOrder()) {
                "the input buffer is not in native byte order"
            }
            view = target.asFloatBuffer()
            viewed = target
        }
        reset(view)
        return view
    }

    // As a Buffer: ByteBuffer's own clear() came with Java 9, later than old Androids.
    private fun reset(buffer: Buffer) {
        buffer.clear()
    }

    private companion object {
        const val LEVELS = 256

        fun normalised(spec: ModelSpec): FloatArray =
            FloatArray(3 * LEVELS) {
                val channel = it / LEVELS
                val mean = spec.mean[channel % spec.mean.size]
                val std = spec.std[channel % spec.std.size]
                (it % LEVELS - mean) / std
            }

        fun quantized(
            reals: FloatArray,
            tensor: TensorSpec,
        ): ByteArray {
            val scale = checkNotNull(tensor.scale)
            val zeroPoint = checkNotNull(tensor.zeroPoint)
            return ByteArray(reals.size) {
                val integer = Math.rint((reals[it] / scale + zeroPoint).toDouble())
                integer.coerceIn(-128.0, 127.0).toInt().toByte()
            }
        }
    }
}
