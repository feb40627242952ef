@file:Suppress("UNUSED_PARAMETER")

package com.google.ai.edge.litert

import android.content.Context
import com.sun.jna.Pointer

/** What the stub declares, over LiteRT's C interface. */
class Environment private constructor(
    handle: Long,
) : JniHandle(handle) {
    enum class Option(
        val value: Int,
    ) {
        CompilerPluginLibraryDir(0),
        DispatchLibraryDir(1),
    }

    fun getAvailableAccelerators(): Set<Accelerator> = setOf(Accelerator.CPU)

    override fun destroy() = library.LiteRtDestroyEnvironment(pointer)

    companion object {
        @JvmOverloads
        @JvmStatic
        fun create(
            context: Context,
            options: Map<Option, String> = mapOf(),
            enableCompilerCache: Boolean = true,
        ): Environment = create(options)

        @JvmOverloads
        @JvmStatic
        fun create(options: Map<Option, String> = mapOf()): Environment =
            Environment(
                Pointer.nativeValue(made { library.LiteRtCreateEnvironment(0, null, it) }),
            )

        @JvmOverloads
        @JvmStatic
        fun create(
            context: Context,
            npuAcceleratorProvider: NpuAcceleratorProvider,
            options: Map<Option, String> = mapOf(),
            enableCompilerCache: Boolean = true,
        ): Environment = create(options)

        @JvmOverloads
        @JvmStatic
        fun create(
            npuAcceleratorProvider: NpuAcceleratorProvider,
            options: Map<Option, String> = mapOf(),
        ): Environment = create(options)
    }
}
