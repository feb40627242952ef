// com.google.ai.edge.litert.JniHandle of com.google.ai.edge.litert:litert:2.3.0.

package com.google.ai.edge.litert

abstract class JniHandle internal constructor(
    internal val handle: Long,
) : AutoCloseable {
    protected abstract fun destroy()

    final override fun close(): Unit = throw UnsupportedOperationException()
}
