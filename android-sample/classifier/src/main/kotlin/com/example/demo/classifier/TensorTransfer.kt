package com.example.demo.classifier

import com.google.ai.edge.litert.TensorBuffer
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import com.example.demo.core.TensorSpec
import com.example.demo.core.TensorType

/** Copies a tensor between our buffer and LiteRT's, through one array that is kept. */
internal interface TensorTransfer {
    fun write(
        from: ByteBuffer,
        to: TensorBuffer,
    )

    fun read(
        from: TensorBuffer,
        to: ByteBuffer,
    )

    companion object {
        fun of(tensor: TensorSpec): TensorTransfer {
            val count = tensor.shape.fold(1) { product, size -> product * size }
            return when (tensor.type) {
                TensorType.FLOAT32 -> FloatTransfer(count)
                TensorType.UINT8, TensorType.INT8 -> ByteTransfer(count)
            }
        }
    }
}

/** For INT8, and for UINT8 too: LiteRT copies the bytes without a look at the sign. */
private class ByteTransfer(
    count: Int,
) : TensorTransfer {
    private val values = ByteArray(count)

    override fun write(
        from: ByteBuffer,
        to: TensorBuffer,
    ) {
        from.rewind()
        from.get(values)
        to.writeInt8(values)
    }

    override fun read(
        from: TensorBuffer,
        to: ByteBuffer,
    ) {
        to.rewind()
        to.put(from.readInt8())
    }
}

private class FloatTransfer(
    count: Int,
) : TensorTransfer {
    private val values = FloatArray(count)
    private var viewed: ByteBuffer? = null
    private var view: FloatBuffer? = null

    override fun write(
        from: ByteBuffer,
        to: TensorBuffer,
    ) {
        floats(from).get(values)
        to.writeFloat(values)
    }

    override fun read(
        from: TensorBuffer,
        to: ByteBuffer,
    ) {
        floats(to).put(from.readFloat())
    }

    /** The same buffer comes every time, so its view is made once. */
    private fun floats(buffer: ByteBuffer): FloatBuffer {
        val floats =
            view?.takeIf { viewed === buffer } ?: run {
                buffer.rewind()
                buffer.asFloatBuffer()
            }
        viewed = buffer
        view = floats
        floats.rewind()
        return floats
    }
}
