package com.google.ai.edge.litert

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** What the stub declares, over LiteRT's C interface. */
class TensorBuffer internal constructor(
    handle: Long,
) : JniHandle(handle) {
    fun writeFloat(data: FloatArray) {
        locked(WRITE) { it.asFloatBuffer().put(data) }
    }

    fun writeInt8(data: ByteArray) {
        locked(WRITE) { it.put(data) }
    }

    fun readFloat(): FloatArray =
        locked(READ) { FloatArray(it.remaining() / Float.SIZE_BYTES).also(it.asFloatBuffer()::get) }

    fun readInt8(): ByteArray = locked(READ) { ByteArray(it.remaining()).also(it::get) }

    override fun destroy() = library.LiteRtDestroyTensorBuffer(pointer)

    private fun <T> locked(
        mode: Int,
        use: (ByteBuffer) -> T,
    ): T {
        val bytes = LongArray(1)
        check(library.LiteRtGetTensorBufferPackedSize(pointer, bytes))
        val memory = made { library.LiteRtLockTensorBuffer(pointer, it, mode) }
        try {
            return use(memory.getByteBuffer(0, bytes.single()).order(ByteOrder.nativeOrder()))
        } finally {
            check(library.LiteRtUnlockTensorBuffer(pointer))
        }
    }

    private companion object {
        const val READ = 0
        const val WRITE = 1
    }
}
