package com.google.ai.edge.litert

import com.sun.jna.Pointer
import com.sun.jna.ptr.PointerByReference
import gate.LiteRtLibrary

internal val library: LiteRtLibrary get() = LiteRtLibrary.loaded

internal fun check(status: Int) {
    if (status != 0) throw LiteRtException(Status.ErrorUnsupported, "status $status")
}

internal fun made(make: (PointerByReference) -> Int): Pointer =
    PointerByReference().also { check(make(it)) }.value

abstract class JniHandle internal constructor(
    internal val handle: Long,
) : AutoCloseable {
    private var open = true

    internal val pointer = Pointer(handle)

    protected abstract fun destroy()

    final override fun close() {
        check(open) { "it is closed twice" }
        open = false
        destroy()
    }
}
