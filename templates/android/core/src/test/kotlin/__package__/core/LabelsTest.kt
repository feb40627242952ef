package [[ package ]].core

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
    fun `are in the language of the reader where they can be`() {
        val digest = "ab".repeat(32)
        val tags = listOf("de", "pt-BR", "en").associateWith { LabelsFile("$it.txt", digest) }
        val spoken = spec.copy(localizedLabels = tags)
        val chosen =
            mapOf("de-AT" to "de", "DE" to "de", "pt-br" to "pt-BR", "pt" to "pt-BR", "EN" to "en")
        for ((language, tag) in chosen) {
            assertEquals("$tag.txt", spoken.labelsFor(language).name, language)
        }
        assertEquals(LabelsFile("labels.txt", spec.labelsSha256), spoken.labelsFor("fr"))
    }

    @Test
    fun `are checked against their own file`() {
        val text = "G\u00E4nsebl\u00FCmchen\nRose\nTulpe\n"
        val file = LabelsFile("labels-de.txt", sha256(ByteBuffer.wrap(text.encodeToByteArray())))
        assertEquals("Rose", parseLabels(text, spec, file)[1])
        val error = assertFailsWith<ModelMismatchException> { parseLabels(LABELS, spec, file) }
        assertContains(error.message.orEmpty(), "labels-de.txt")
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
