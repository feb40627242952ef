package com.example.demo.core.benchmark

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import com.example.demo.core.Category

class PredictionsTest {
    @Test
    fun `are those of the model that is asked for`() {
        val predictions =
            Predictions.parse(
                """{"format": 1, "models": {"aa": [{"file": "0.png", "index": 2}], "bb": []}}""",
            )
        assertEquals(mapOf("0.png" to 2), predictions.of("aa"))
        assertEquals(emptyMap(), predictions.of("bb"))
        assertEquals(emptyMap(), predictions.of("cc"))
    }

    @Test
    fun `a damaged file is refused with what is wrong`() {
        for ((text, fault) in listOf(
            "{" to "is not JSON",
            "[]" to "predictions.json: ",
            """{"format": 2, "models": {}}""" to "its format is 2; this code reads 1",
            """{"format": 1}""" to "models is missing",
            """{"format": 1, "models": {"aa": [{"index": 1}]}}""" to "an entry has no file",
            """{"format": 1, "models": {"aa": [{"file": "x", "index": "y"}]}}""" to "y",
        )) {
            val error = assertFailsWith<PredictionsException>(text) { Predictions.parse(text) }
            assert(fault in error.message.orEmpty()) { "$text: ${error.message}" }
        }
    }

    @Test
    fun `classes that rounding decides between are both right`() {
        fun wrong(vararg scores: Float): List<String> {
            val best =
                scores
                    .mapIndexed { index, score -> Category(index, "$index", score) }
                    .sortedByDescending { it.score }
            return PredictionCheck(mapOf("a.png" to 1))
                .apply { add("a.png", best) }
                .wrongPhotos
        }
        assertEquals(emptyList(), wrong(0.50f, 0.4922f))
        assertEquals(listOf("a.png"), wrong(0.50f, 0.49f))
        assertEquals(listOf("a.png"), wrong(0.9f))
    }

    @Test
    fun `one wrong answer of many makes the photo wrong`() {
        val check = PredictionCheck(mapOf("a.png" to 1))
        for (index in listOf(1, 0, 1)) check.add("a.png", listOf(Category(index, "x", 0.9f)))
        check.add("unknown.png", listOf(Category(0, "x", 0.9f)))
        assertEquals(1 to listOf("a.png"), check.checked to check.wrongPhotos)
    }
}
