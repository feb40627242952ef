package [[ package ]].classifier

import android.content.Context
import com.google.ai.edge.litert.Accelerator as LiteRtAccelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.JniHandle
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.TensorBuffer
import java.nio.ByteBuffer
import [[ package ]].core.Accelerator
import [[ package ]].core.Engine
import [[ package ]].core.EngineException
import [[ package ]].core.ModelSpec
import [[ package ]].core.Request

/** LiteRT's CompiledModel, with its buffers made once. */
internal class LiteRtEngine private constructor(
    override val accelerator: Accelerator,
    override val description: String,
    private val model: CompiledModel,
    private val input: TensorBuffer,
    private val output: TensorBuffer,
    private val inputTransfer: TensorTransfer,
    private val outputTransfer: TensorTransfer,
    private val handles: List<JniHandle>,
) : Engine {
    private val inputs = listOf(input)
    private val outputs = listOf(output)

    override fun run(
        input: ByteBuffer,
        output: ByteBuffer,
    ) {
        inputTransfer.write(input, this.input)
        model.run(inputs, outputs)
        outputTransfer.read(this.output, output)
    }

    override fun close() = handles.asReversed().forEach { it.close() }

    companion object {
        /**
         * Opens the model on the accelerator that is asked for, on all of it or not at all.
         *
         * @throws EngineException this app or this phone can't; it says why.
         */
        fun open(
            context: Context,
            place: ModelPlace,
            spec: ModelSpec,
            request: Request,
        ): LiteRtEngine {
            val handles = mutableListOf<JniHandle>()
            try {
                val environment = environmentFor(request.accelerator, context)
                val model =
                    place.compile(optionsFor(request), environment).also { handles += it }
                val inputs = model.createInputBuffers().also { handles += it }
                val outputs = model.createOutputBuffers().also { handles += it }
                return LiteRtEngine(
                    request.accelerator,
                    describe(request),
                    model,
                    inputs.single(),
                    outputs.single(),
                    TensorTransfer.of(spec.input),
                    TensorTransfer.of(spec.output),
                    handles,
                )
            } catch (e: Exception) {
                handles.asReversed().forEach { it.close() }
                if (e !is LiteRtException) throw e
                throw EngineException("LiteRT can't run the model: ${e.message}", e)
            } catch (e: LinkageError) {
                // It was left out of the app, or is not for this phone's processor.
                throw EngineException("LiteRT's library can't be loaded: ${e.message}", e)
            }
        }

        private fun environmentFor(
            accelerator: Accelerator,
            context: Context,
        ): Environment =
            when (accelerator) {
                Accelerator.CPU -> AcceleratorEnvironments.cpu()
                Accelerator.GPU -> AcceleratorEnvironments.gpu()
                Accelerator.NPU -> AcceleratorEnvironments.npu(context)
            }

        /**
         * Each accelerator is asked for alone: LiteRT then refuses a model that it can't run whole,
         * where with the CPU beside it it would fall back without a word.
         */
        private fun optionsFor(request: Request): CompiledModel.Options =
            when (request.accelerator) {
                Accelerator.CPU -> {
                    CompiledModel.Options(LiteRtAccelerator.CPU).apply {
                        cpuOptions = CompiledModel.CpuOptions(numThreads = request.threads)
                    }
                }

                Accelerator.GPU -> {
                    CompiledModel.Options(LiteRtAccelerator.GPU)
                }

                Accelerator.NPU -> {
                    // LiteRT adds the CPU to a set of the NPU alone.
                    CompiledModel.Options(LiteRtAccelerator.NPU, LiteRtAccelerator.NONE)
                }
            }

        private fun describe(request: Request): String =
            when (request.accelerator) {
                Accelerator.CPU -> "LiteRT on the CPU, threads: ${request.threads}"
                Accelerator.GPU -> "LiteRT on the GPU"
                Accelerator.NPU -> "LiteRT on the NPU"
            }
    }
}
