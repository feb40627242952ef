package com.google.ai.edge.litert

import android.content.res.AssetManager
import com.sun.jna.Memory
import com.sun.jna.Pointer
import com.sun.jna.ptr.PointerByReference
import gate.LiteRtLibrary
import java.io.File

/** What the stub declares, over LiteRT's C interface. */
class CompiledModel private constructor(
    private val environment: Environment,
    private val model: Pointer,
    private val options: NativeOptions,
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

    private val signature = made { library.LiteRtGetModelSignature(model, 0, it) }

    @JvmOverloads
    fun createInputBuffers(signatureIndex: Int = 0): List<TensorBuffer> {
        val index = signatureIndex.toLong()
        val tensor = made { library.LiteRtGetSignatureInputTensorByIndex(signature, 0, it) }
        return buffer(tensor) {
            library.LiteRtGetCompiledModelInputBufferRequirements(pointer, index, 0, it)
        }
    }

    @JvmOverloads
    fun createOutputBuffers(signatureIndex: Int = 0): List<TensorBuffer> {
        val index = signatureIndex.toLong()
        val tensor = made { library.LiteRtGetSignatureOutputTensorByIndex(signature, 0, it) }
        return buffer(tensor) {
            library.LiteRtGetCompiledModelOutputBufferRequirements(pointer, index, 0, it)
        }
    }

    @JvmOverloads
    fun run(
        inputs: List<TensorBuffer>,
        outputs: List<TensorBuffer>,
        signatureIndex: Int = 0,
    ) {
        beforeRun(options.threads)
        check(
            library.LiteRtRunCompiledModel(
                pointer,
                signatureIndex.toLong(),
                inputs.size.toLong(),
                inputs.map { it.pointer }.toTypedArray(),
                outputs.size.toLong(),
                outputs.map { it.pointer }.toTypedArray(),
            ),
        )
    }

    override fun destroy() {
        library.LiteRtDestroyCompiledModel(pointer)
        library.LiteRtDestroyOptions(options.pointer)
        library.LiteRtDestroyModel(model)
        open--
    }

    private fun buffer(
        tensor: Pointer,
        requirements: (PointerByReference) -> Int,
    ): List<TensorBuffer> {
        val type = Memory(TYPE_BYTES).also { check(library.LiteRtGetRankedTensorType(tensor, it)) }
        val required = made(requirements)
        val buffer =
            made {
                library.LiteRtCreateManagedTensorBufferFromRequirements(
                    environment.pointer,
                    type,
                    required,
                    it,
                )
            }
        return listOf(TensorBuffer(Pointer.nativeValue(buffer)))
    }

    companion object {
        private const val TYPE_BYTES = 72L

        /** How many models are open now. */
        @Volatile var open = 0
            private set

        /** What a test puts between: it may wait, or throw. */
        @Volatile var beforeOpen: (Options) -> Unit = {}

        /** Gets the number of threads. */
        @Volatile var beforeRun: (Int) -> Unit = {}

        @JvmOverloads
        @JvmStatic
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel {
            val file = File.createTempFile("model", ".tflite")
            try {
                assetManager.open(assetName).use { it.copyTo(file.outputStream()) }
                return create(file.path, options, optionalEnv)
            } finally {
                file.delete()
            }
        }

        @JvmOverloads
        @JvmStatic
        fun create(
            filePath: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel {
            beforeOpen(options)
            val environment = optionalEnv ?: Environment.create()
            val model =
                made { library.LiteRtCreateModelFromFile(environment.pointer, filePath, it) }
            val native = NativeOptions(options)
            val compiled =
                made {
                    library.LiteRtCreateCompiledModel(
                        environment.pointer,
                        model,
                        native.pointer,
                        it,
                    )
                }
            open++
            return CompiledModel(environment, model, native, Pointer.nativeValue(compiled))
        }
    }
}

/** Of one model; what JNA holds only weakly is kept here. */
internal class NativeOptions(
    options: CompiledModel.Options,
) {
    val pointer = made(library::LiteRtCreateOptions)
    val threads = options.cpuOptions?.numThreads ?: 1
    private val kept = mutableListOf<Any>()

    init {
        val bits = options.accelerators.sumOf { BITS[it] ?: 0 }
        check(library.LiteRtSetOptionsHardwareAccelerators(pointer, bits))
        options.cpuOptions?.numThreads?.let(::setThreads)
    }

    private fun setThreads(threads: Int) {
        val payload = Memory(64).apply { setString(0, "num_threads = $threads\n") }
        val destructor = LiteRtLibrary.Destructor { payload.clear() }
        kept.addAll(listOf(payload, destructor))
        val opaque =
            made { library.LiteRtCreateOpaqueOptions("xnnpack", payload, destructor, it) }
        check(library.LiteRtAddOpaqueOptions(pointer, opaque))
    }

    private companion object {
        val BITS = mapOf(Accelerator.CPU to 1, Accelerator.GPU to 2, Accelerator.NPU to 4)
    }
}
