// com.google.ai.edge.litert.Environment of com.google.ai.edge.litert:litert:2.3.0: what the app uses of it.

@file:Suppress("UNUSED_PARAMETER")

package com.google.ai.edge.litert

import android.content.Context

class Environment private constructor(
    handle: Long,
) : JniHandle(handle) {
    enum class Option(
        val value: Int,
    ) {
        CompilerPluginLibraryDir(0),
        DispatchLibraryDir(1),
    }

    @Throws(LiteRtException::class)
    fun getAvailableAccelerators(): Set<Accelerator> = throw UnsupportedOperationException()

    override fun destroy(): Unit = throw UnsupportedOperationException()

    companion object {
        @Throws(LiteRtException::class)
        @JvmOverloads
        @JvmStatic
        fun create(
            context: Context,
            options: Map<Option, String> = mapOf(),
            enableCompilerCache: Boolean = true,
        ): Environment = throw UnsupportedOperationException()

        @Throws(LiteRtException::class)
        @JvmOverloads
        @JvmStatic
        fun create(options: Map<Option, String> = mapOf()): Environment =
            throw UnsupportedOperationException()

        @Throws(LiteRtException::class)
        @JvmOverloads
        @JvmStatic
        fun create(
            context: Context,
            npuAcceleratorProvider: NpuAcceleratorProvider,
            options: Map<Option, String> = mapOf(),
            enableCompilerCache: Boolean = true,
        ): Environment = throw UnsupportedOperationException()

        @Throws(LiteRtException::class)
        @JvmOverloads
        @JvmStatic
        fun create(
            npuAcceleratorProvider: NpuAcceleratorProvider,
            options: Map<Option, String> = mapOf(),
        ): Environment = throw UnsupportedOperationException()
    }
}
