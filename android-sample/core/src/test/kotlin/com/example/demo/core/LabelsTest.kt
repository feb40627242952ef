package com.example.demo.core

import java.nio.ByteBuffer
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class LabelsTest {
    private val spec = ModelSpec.parse(specJson())

    @Test
    fun `keeps the order of the scores`() {
        assertEquals(listOf("daisy", "rose", "tulip"), parseLabels(LABELS, spec))
    }

    @Test
    fun `keeps whatever a label holds`() {
        val labels = listOf("\u05D5\u05E8\u05D3 \uD83C\uDF39", "<a & 'b'>\\n$\u2028\r", "")
        val text = labels.joinToString("") { "$it\n" }
        val digest = sha256(ByteBuffer.wrap(text.encodeToByteArray()))
        assertEquals(labels, parseLabels(text, spec.copy(labelsSha256 = digest)))
    }

    @Test
    fun `refuses another number of them`() {
        for ((text, count) in listOf("" to 0, "daisy\nrose\n" to 2, LABELS + "oak\n" to 4)) {
            val error = assertFailsWith<ModelMismatchException> { parseLabels(text, spec) }
            assertContains(error.message.orEmpty(), "$count labels")
        }
    }

    @Test
    fun `refuses other labels`() {
        for (text in listOf("daisy\ntulip\nrose\n", "daisy\r\nrose\r\ntulip\r\n")) {
            val error = assertFailsWith<ModelMismatchException> { parseLabels(text, spec) }
            assertContains(error.message.orEmpty(), "SHA-256")
        }
    }
}
