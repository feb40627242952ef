package gate

import com.sun.jna.Memory
import com.sun.jna.Pointer
import com.sun.jna.ptr.PointerByReference
import java.io.File
import java.nio.ByteBuffer
import com.example.flowers.core.Accelerator
import com.example.flowers.core.ActualTensor
import com.example.flowers.core.Engine
import com.example.flowers.core.EngineException
import com.example.flowers.core.Request
import com.example.flowers.core.TensorType

/** LiteRT itself, through its C interface. */
internal class LiteRtEngine(
    model: File,
    request: Request,
) : Engine {
    override val accelerator = request.accelerator
    override val description = "LiteRT through its C interface, ${request.threads} threads"
    val inputs: List<ActualTensor>
    val outputs: List<ActualTensor>

    private val litert = LiteRtLibrary.loaded
    private val closing = ArrayDeque<() -> Unit>()

    // JNA holds them only weakly, and LiteRT uses them until its options are destroyed.
    private val kept = mutableListOf<Any>()
    private val compiled: Pointer
    private val inputBuffer: Pointer
    private val outputBuffer: Pointer

    init {
        try {
            val environment = made { litert.LiteRtCreateEnvironment(0, null, it) }
            closing.addFirst { litert.LiteRtDestroyEnvironment(environment) }
            val loaded =
                made { litert.LiteRtCreateModelFromFile(environment, model.path, it) }
            closing.addFirst { litert.LiteRtDestroyModel(loaded) }
            val options = made(litert::LiteRtCreateOptions)
            closing.addFirst { litert.LiteRtDestroyOptions(options) }
            check(litert.LiteRtSetOptionsHardwareAccelerators(options, BITS.getValue(accelerator)))
            setThreads(options, request.threads)
            compiled =
                made { litert.LiteRtCreateCompiledModel(environment, loaded, options, it) }
            closing.addFirst { litert.LiteRtDestroyCompiledModel(compiled) }

            val signature = made { litert.LiteRtGetModelSignature(loaded, 0, it) }
            val inputTensors =
                tensors(
                    count { litert.LiteRtGetNumSignatureInputs(signature, it) },
                ) { i, to -> litert.LiteRtGetSignatureInputTensorByIndex(signature, i, to) }
            val outputTensors =
                tensors(
                    count { litert.LiteRtGetNumSignatureOutputs(signature, it) },
                ) { i, to -> litert.LiteRtGetSignatureOutputTensorByIndex(signature, i, to) }
            inputs = inputTensors.map(::describe)
            outputs = outputTensors.map(::describe)
            inputBuffer =
                buffer(environment, inputTensors.first()) {
                    litert.LiteRtGetCompiledModelInputBufferRequirements(compiled, 0, 0, it)
                }
            outputBuffer =
                buffer(environment, outputTensors.first()) {
                    litert.LiteRtGetCompiledModelOutputBufferRequirements(compiled, 0, 0, it)
                }
        } catch (error: EngineException) {
            close()
            throw error
        }
    }

    override fun run(
        input: ByteBuffer,
        output: ByteBuffer,
    ) {
        locked(inputBuffer, WRITE) { it.put(input.duplicate()) }
        check(
            litert.LiteRtRunCompiledModel(
                compiled,
                0,
                1,
                arrayOf(inputBuffer),
                1,
                arrayOf(outputBuffer),
            ),
        )
        locked(outputBuffer, READ) { output.duplicate().put(it) }
    }

    override fun close() {
        while (closing.isNotEmpty()) closing.removeFirst()()
    }

    private fun setThreads(
        options: Pointer,
        threads: Int,
    ) {
        val payload = Memory(64).apply { setString(0, "num_threads = $threads\n") }
        val destructor = LiteRtLibrary.Destructor { payload.clear() }
        kept.add(payload)
        kept.add(destructor)
        val opaque =
            made { litert.LiteRtCreateOpaqueOptions("xnnpack", payload, destructor, it) }
        check(litert.LiteRtAddOpaqueOptions(options, opaque))
    }

    private fun tensors(
        count: Int,
        get: (Long, PointerByReference) -> Int,
    ): List<Pointer> = List(count) { index -> made { get(index.toLong(), it) } }

    private fun describe(tensor: Pointer): ActualTensor {
        val type = type(tensor)
        val rank = type.getInt(RANK_OFFSET) and 127
        return ActualTensor(
            name = made { litert.LiteRtGetTensorName(tensor, it) }.getString(0),
            shape = type.getIntArray(DIMENSIONS_OFFSET, rank).toList(),
            type = TYPES[type.getInt(0)],
        )
    }

    /** A LiteRtRankedTensorType: element type, rank in seven bits, dimensions, strides. */
    private fun type(tensor: Pointer): Memory =
        Memory(72).also { check(litert.LiteRtGetRankedTensorType(tensor, it)) }

    private fun buffer(
        environment: Pointer,
        tensor: Pointer,
        requirements: (PointerByReference) -> Int,
    ): Pointer {
        val required = made(requirements)
        val made =
            made {
                litert.LiteRtCreateManagedTensorBufferFromRequirements(
                    environment,
                    type(tensor),
                    required,
                    it,
                )
            }
        closing.addFirst { litert.LiteRtDestroyTensorBuffer(made) }
        return made
    }

    private fun locked(
        buffer: Pointer,
        mode: Int,
        use: (ByteBuffer) -> Unit,
    ) {
        val bytes = LongArray(1).also { check(litert.LiteRtGetTensorBufferPackedSize(buffer, it)) }
        val memory = made { litert.LiteRtLockTensorBuffer(buffer, it, mode) }
        use(memory.getByteBuffer(0, bytes.single()))
        check(litert.LiteRtUnlockTensorBuffer(buffer))
    }

    private fun count(get: (LongArray) -> Int): Int =
        LongArray(1).also { check(get(it)) }.single().toInt()

    private fun made(make: (PointerByReference) -> Int): Pointer {
        val made = PointerByReference()
        check(make(made))
        return made.value
    }

    private fun check(status: Int) {
        // Their names are in litert_common.h.
        if (status != 0) throw EngineException("LiteRT answers with status $status")
    }

    private companion object {
        const val READ = 0
        const val WRITE = 1
        const val RANK_OFFSET = 4L
        const val DIMENSIONS_OFFSET = 8L
        val BITS = mapOf(Accelerator.CPU to 1, Accelerator.GPU to 2, Accelerator.NPU to 4)
        val TYPES = mapOf(1 to TensorType.FLOAT32, 3 to TensorType.UINT8, 9 to TensorType.INT8)
    }
}
