package com.example.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** How long each step took. */
data class Timings(
    val preprocessNanos: Long,
    val inferenceNanos: Long,
    val postprocessNanos: Long,
) {
    val totalNanos: Long get() = preprocessNanos + inferenceNanos + postprocessNanos
}

data class Classification(
    val categories: List<Category>,
    val timings: Timings,
) {
    /** The same without classes, where the best one's score is below [lowest]. */
    fun known(lowest: Float): Classification {
        val best = categories.maxOfOrNull(Category::score) ?: return this
        return if (best < lowest) copy(categories = emptyList()) else this
    }
}

/**
 * From pixels to classes, with buffers that are made once. Not for two threads at once.
 *
 * Closing it closes [engine].
 */
class ClassifierPipeline(
    spec: ModelSpec,
    labels: List<String>,
    private val engine: Engine,
    private val clock: NanoClock = SYSTEM_CLOCK,
) : AutoCloseable {
    private val preprocessor = Preprocessor(spec)
    private val postprocessor = Postprocessor(spec, labels)
    private val input = buffer(spec.input)
    private val output = buffer(spec.output)

    /** See [Preprocessor.run] for the photo and [Postprocessor.run] for [topK] and [threshold]. */
    fun classify(
        argb: IntArray,
        width: Int,
        height: Int,
        rotationDegrees: Int,
        topK: Int,
        threshold: Float,
    ): Classification {
        val begun = clock.now()
        preprocessor.run(argb, width, height, rotationDegrees, input)
        val prepared = clock.now()
        engine.run(input, output)
        val inferred = clock.now()
        val categories = postprocessor.run(output, topK, threshold)
        val done = clock.now()
        return Classification(
            categories,
            Timings(prepared - begun, inferred - prepared, done - inferred),
        )
    }

    override fun close() = engine.close()

    private fun buffer(tensor: TensorSpec): ByteBuffer =
        ByteBuffer.allocateDirect(tensor.byteCount).order(ByteOrder.nativeOrder())
}
