package com.example.demo.core

import java.nio.ByteBuffer
import kotlin.math.exp
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class PostprocessorTest {
    private val labels = listOf("daisy", "rose", "tulip")

    @Test
    fun `gives the best first`() {
        val best = run(spec(), nativeFloats(0.2f, 0.5f, 0.3f), topK = 2)
        assertEquals(listOf(Category(1, "rose", 0.5f), Category(2, "tulip", 0.3f)), best)
    }

    @Test
    fun `of equal scores the first label comes first`() {
        val all = run(spec(), nativeFloats(0.3f, 0.4f, 0.3f), topK = 9)
        assertEquals(listOf(1, 0, 2), all.map(Category::index))
        val one = run(spec(), nativeFloats(0.5f, 0.5f, 0f), topK = 1)
        assertEquals(listOf(0), one.map(Category::index))
    }

    @Test
    fun `a score at the threshold is kept`() {
        val kept = run(spec(), nativeFloats(0.25f, 0.5f, 0.24f), threshold = 0.25f)
        assertEquals(listOf(1, 0), kept.map(Category::index))
        assertEquals(emptyList(), run(spec(), nativeFloats(0f, 0f, 0f), threshold = 0.25f))
    }

    @Test
    fun `dequantizes`() {
        val raw = ByteBuffer.wrap(byteArrayOf(-128, 0, 127))
        val uint8 = spec(outputType = TensorType.UINT8, scale = 1 / 256f, zeroPoint = 0)
        assertEquals(listOf(0.5f, 127 / 256f, 0f), run(uint8, raw).map(Category::score))
        val int8 = spec(outputType = TensorType.INT8, scale = 1 / 256f, zeroPoint = -128)
        assertEquals(listOf(255 / 256f, 0.5f, 0f), run(int8, raw).map(Category::score))
    }

    @Test
    fun `logits go through a softmax, large ones too`() {
        val logits = spec(semantics = Semantics.LOGITS)
        val scores = run(logits, nativeFloats(1000f, 1001f, 999f)).map(Category::score)
        val sum = exp(1.0) + 1 + exp(-1.0)
        for ((score, power) in scores.zip(listOf(1.0, 0.0, -1.0))) {
            assertEquals(exp(power) / sum, score.toDouble(), 1e-6)
        }
    }

    @Test
    fun `what is no number is an error that names the label`() {
        for (value in listOf(Float.NaN, Float.POSITIVE_INFINITY)) {
            val error =
                assertFailsWith<EngineException> { run(spec(), nativeFloats(0f, value, 0f)) }
            assertContains(error.message.orEmpty(), "rose")
        }
    }

    @Test
    fun `refuses too few labels, a short buffer and no classes`() {
        assertFailsWith<ModelMismatchException> { Postprocessor(spec(), labels.drop(1)) }
        assertFailsWith<IllegalArgumentException> { run(spec(), nativeFloats(0f, 0f)) }
        assertFailsWith<IllegalArgumentException> { run(spec(), nativeFloats(0f, 0f, 0f), 0) }
    }

    private fun run(
        spec: ModelSpec,
        output: ByteBuffer,
        topK: Int = 3,
        threshold: Float = 0f,
    ): List<Category> = Postprocessor(spec, labels).run(output, topK, threshold)
}
