package com.example.demo.core

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class ClassifierPipelineTest {
    private val labels = listOf("daisy", "rose", "tulip")
    private val engine = FakeEngine(scores = floatArrayOf(0.1f, 0.2f, 0.7f))
    private val pipeline = ClassifierPipeline(spec(), labels, engine)

    @Test
    fun `feeds each photo and gives the engine's classes`() {
        for (level in listOf(7, 200)) {
            val photo = IntArray(6) { gray(level) }
            val result = pipeline.classify(photo, 3, 2, 90, topK = 1, threshold = 0f)
            assertEquals(listOf(Category(2, "tulip", 0.7f)), result.categories)
            assertEquals(level.toFloat(), engine.fed.last())
            val timings = result.timings
            assertTrue(timings.preprocessNanos > 0)
            assertEquals(
                timings.preprocessNanos + timings.inferenceNanos + timings.postprocessNanos,
                timings.totalNanos,
            )
        }
    }

    @Test
    fun `below the lowest score of the best class nothing is known`() {
        val result = pipeline.classify(IntArray(6), 3, 2, 0, topK = 3, threshold = 0f)
        assertEquals(result, result.known(0.7f))
        assertEquals(emptyList(), result.known(0.71f).categories)
        assertEquals(result.timings, result.known(0.71f).timings)
        val empty = result.copy(categories = emptyList())
        assertEquals(empty, empty.known(0f))
    }

    @Test
    fun `closing it closes the engine`() {
        pipeline.close()
        assertTrue(engine.closed)
        assertFailsWith<IllegalStateException> {
            pipeline.classify(intArrayOf(0), 1, 1, 0, topK = 1, threshold = 0f)
        }
    }
}
