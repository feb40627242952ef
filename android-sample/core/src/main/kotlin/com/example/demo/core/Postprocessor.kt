package com.example.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.exp

/** A class of the model and how likely it is, 0..1. */
data class Category(
    val index: Int,
    val label: String,
    val score: Float,
)

/** From the model's output to its best classes. Not for two threads at once. */
class Postprocessor(
    private val spec: ModelSpec,
    private val labels: List<String>,
) {
    private val scores = FloatArray(spec.classCount)
    private val best = IntArray(spec.classCount)

    init {
        if (labels.size != spec.classCount) {
            throw ModelMismatchException(
                "there are ${labels.size} labels for the model's ${spec.classCount} classes",
            )
        }
    }

    /**
     * At most [topK] classes with a score of at least [threshold], the best first; of equal scores
     * the one that comes first in the labels.
     *
     * Throws [EngineException] when the model gave something that is not a number.
     */
    fun run(
        output: ByteBuffer,
        topK: Int,
        threshold: Float,
    ): List<Category> {
        require(topK >= 1) { "topK is $topK, not at least 1" }
        read(output)
        if (spec.semantics == Semantics.LOGITS) softmax()
        var found = 0
        for (index in scores.indices) {
            if (scores[index] < threshold) continue
            var place = found
            while (place > 0 && scores[best[place - 1]] < scores[index]) place--
            if (place >= topK) continue
            if (found < topK) found++
            for (i in found - 1 downTo place + 1) best[i] = best[i - 1]
            best[place] = index
        }
        return List(found) { Category(best[it], labels[best[it]], scores[best[it]]) }
    }

    private fun read(output: ByteBuffer) {
        val tensor = spec.output
        require(output.capacity() >= tensor.byteCount) {
            "the output buffer has ${output.capacity()} bytes, the model gives ${tensor.byteCount}"
        }
        val scale = tensor.scale ?: 1f
        val zeroPoint = tensor.zeroPoint ?: 0
        when (tensor.type) {
            TensorType.UINT8 -> {
                for (i in scores.indices) {
                    scores[i] = ((output.get(i).toInt() and 255) - zeroPoint) * scale
                }
            }

            TensorType.INT8 -> {
                for (i in scores.indices) scores[i] = (output.get(i) - zeroPoint) * scale
            }

            TensorType.FLOAT32 -> {
                require(output.order() == ByteOrder.nativeOrder()) {
                    "the output buffer is not in native byte order"
                }
                for (i in scores.indices) {
                    scores[i] = finite(output.getFloat(i * Float.SIZE_BYTES), i)
                }
            }
        }
    }

    private fun finite(
        score: Float,
        index: Int,
    ): Float {
        if (!score.isFinite()) {
            throw EngineException(
                "the model gave $score for \"${labels[index]}\": this accelerator computes " +
                    "it incorrectly. Use another one.",
            )
        }
        return score
    }

    private fun softmax() {
        var largest = scores[0]
        for (score in scores) largest = maxOf(largest, score)
        var sum = 0f
        for (i in scores.indices) {
            scores[i] = exp(scores[i] - largest)
            sum += scores[i]
        }
        for (i in scores.indices) scores[i] /= sum
    }
}
