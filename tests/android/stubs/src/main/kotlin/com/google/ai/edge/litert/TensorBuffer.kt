// com.google.ai.edge.litert.TensorBuffer of com.google.ai.edge.litert:litert:2.3.0: what the app uses of it.

@file:Suppress("UNUSED_PARAMETER")

package com.google.ai.edge.litert

class TensorBuffer internal constructor(
    handle: Long,
) : JniHandle(handle) {
    @Throws(LiteRtException::class)
    fun writeFloat(data: FloatArray): Unit = throw UnsupportedOperationException()

    @Throws(LiteRtException::class)
    fun writeInt8(data: ByteArray): Unit = throw UnsupportedOperationException()

    @Throws(LiteRtException::class)
    fun readFloat(): FloatArray = throw UnsupportedOperationException()

    @Throws(LiteRtException::class)
    fun readInt8(): ByteArray = throw UnsupportedOperationException()

    override fun destroy(): Unit = throw UnsupportedOperationException()
}
