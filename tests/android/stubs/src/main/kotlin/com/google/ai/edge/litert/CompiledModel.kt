// com.google.ai.edge.litert.CompiledModel of com.google.ai.edge.litert:litert:2.3.0: what the app uses of it.

@file:Suppress("UNUSED_PARAMETER")

package com.google.ai.edge.litert

import android.content.res.AssetManager

class CompiledModel private constructor(
    handle: Long,
) : JniHandle(handle) {
    data class CpuOptions(
        val numThreads: Int? = null,
        val xnnPackFlags: Int? = null,
        val xnnPackWeightCachePath: String? = null,
    )

    class Options(
        internal val accelerators: Set<Accelerator>,
    ) {
        constructor(vararg accelerators: Accelerator) : this(setOf(*accelerators))

        var cpuOptions: CpuOptions? = null

        companion object {
            @JvmStatic val CPU = Options(Accelerator.CPU)
        }
    }

    @Throws(LiteRtException::class)
    @JvmOverloads
    fun createInputBuffers(signatureIndex: Int = 0): List<TensorBuffer> =
        throw UnsupportedOperationException()

    @Throws(LiteRtException::class)
    fun createInputBuffers(signature: String): List<TensorBuffer> =
        throw UnsupportedOperationException()

    @Throws(LiteRtException::class)
    @JvmOverloads
    fun createOutputBuffers(signatureIndex: Int = 0): List<TensorBuffer> =
        throw UnsupportedOperationException()

    @Throws(LiteRtException::class)
    fun createOutputBuffers(signature: String): List<TensorBuffer> =
        throw UnsupportedOperationException()

    @Throws(LiteRtException::class)
    @JvmOverloads
    fun run(
        inputs: List<TensorBuffer>,
        signatureIndex: Int = 0,
    ): List<TensorBuffer> = throw UnsupportedOperationException()

    @Throws(LiteRtException::class)
    @JvmOverloads
    fun run(
        inputs: List<TensorBuffer>,
        outputs: List<TensorBuffer>,
        signatureIndex: Int = 0,
    ): Unit = throw UnsupportedOperationException()

    override fun destroy(): Unit = throw UnsupportedOperationException()

    companion object {
        @Throws(LiteRtException::class)
        @JvmOverloads
        @JvmStatic
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel = throw UnsupportedOperationException()

        @Throws(LiteRtException::class)
        @JvmOverloads
        @JvmStatic
        fun create(
            filePath: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel = throw UnsupportedOperationException()
    }
}
