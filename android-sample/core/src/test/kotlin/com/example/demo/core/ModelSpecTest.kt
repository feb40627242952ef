package com.example.demo.core

import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull

class ModelSpecTest {
    @Test
    fun `reads every part`() {
        val spec = ModelSpec.parse(specJson())
        assertEquals("flowers", spec.name)
        assertEquals("model.tflite", spec.file)
        assertEquals("int8", spec.quantization)
        val shape = listOf(1, 2, 4, 3)
        assertEquals(TensorSpec("image", shape, TensorType.UINT8, 1 / 128f, 127), spec.input)
        assertEquals(listOf(127f), spec.mean)
        assertEquals(listOf(128f), spec.std)
        assertEquals(ResizeRule.STRETCH, spec.resize)
        assertEquals(Semantics.PROBABILITIES, spec.semantics)
        assertEquals(listOf(4, 2, 3), listOf(spec.inputWidth, spec.inputHeight, spec.classCount))
        assertEquals(24, spec.input.byteCount)
    }

    @Test
    fun `reads a cropping float model that gives logits`() {
        val spec =
            ModelSpec.parse(
                specJson(
                    "\"uint8\"" to "\"float32\"",
                    "0.0078125" to "null",
                    "127," to "null,",
                    "[127.0]" to "[1, 2, 3]",
                    "stretch" to "crop",
                    "false" to "true",
                    "probabilities" to "logits",
                ),
            )
        assertEquals(TensorType.FLOAT32, spec.input.type)
        assertNull(spec.input.scale)
        assertNull(spec.output.zeroPoint)
        assertEquals(listOf(1f, 2f, 3f), spec.mean)
        assertEquals(ResizeRule.CROP, spec.resize)
        assertEquals(Semantics.LOGITS, spec.semantics)
    }

    @Test
    fun `a uint8 model needs no normalisation`() {
        val json = specJson("[127.0]" to "null", "[128.0]" to "null", "0.0078125" to "null")
        assertEquals(emptyList(), ModelSpec.parse(json).mean)
    }

    @Test
    fun `names the field and its fault`() {
        val int16 = "3], \"dtype\": \"int16\", \"scale\": 0.007"
        refuses("format is 2", "\"format\": 1" to "\"format\": 2")
        refuses("model.name is missing", "\"name\": \"flowers\", " to "")
        refuses("model.file", "\"model.tflite\"" to "\"../model.tflite\"")
        refuses("model.sha256", "\"0011" to "\"zz11")
        refuses("input.shape is [1, 2, 4, 1]", "[1, 2, 4, 3]" to "[1, 2, 4, 1]")
        refuses("input.shape", "[1, 2, 4, 3]" to "[1, 0, 4, 3]")
        refuses("input.shape", "[1, 2, 4, 3]" to "[1, 50000, 50000, 3]")
        refuses("input.dtype is \"int16\"", "3], \"dtype\": \"uint8\", \"scale\": 0.007" to int16)
        refuses("input.scale is missing", "\"uint8\", \"scale\": 0.0078125" to "\"int8\"")
        refuses("input.scale is -1.0", "0.0078125" to "-1")
        refuses("input.scale", "0.0078125" to "\"0.0078125\"")
        refuses("input.mean has 2 numbers", "[127.0]" to "[1, 2]")
        refuses("input.mean[0]", "[127.0]" to "[1e999]")
        refuses("input.std has a zero", "[128.0]" to "[0]")
        refuses("input.color_space is \"BGR\"", "RGB" to "BGR")
        refuses("resize.rule is \"pad\", not stretch or crop", "stretch" to "pad")
        refuses("resize.antialias is true", "false" to "true")
        refuses("output.shape is [3, 3]", "[1, 3]" to "[3, 3]")
        refuses("output.scale is missing", "0.00390625" to "null")
        refuses("output.semantics", "probabilities" to "distances")
        refuses("labels.count is 4, but the output has 3", "\"count\": 3" to "\"count\": 4")
        refuses("labels is not an object", "\"labels\": {" to "\"labels\": 1, \"other\": {")
        refuses("is not JSON", "\"format\"" to "format")
    }

    @Test
    fun `knows a threshold`() {
        assertNull(ModelSpec.parse(specJson()).threshold)
        val key = "\"semantics\""
        assertNull(ModelSpec.parse(specJson(key to "\"threshold\": null, $key")).threshold)
        val spec = ModelSpec.parse(specJson(key to "\"threshold\": 0.52, $key"))
        assertEquals(0.52f, spec.threshold)
        refuses("output.threshold is 1.5, not from 0 to 1", key to "\"threshold\": 1.5, $key")
        refuses("output.threshold", key to "\"threshold\": \"0.5\", $key")
    }

    @Test
    fun `knows lists of labels in other languages`() {
        assertEquals(emptyMap(), ModelSpec.parse(specJson()).localizedLabels)
        val digest = "cd".repeat(32)
        val list = "{\"file\": \"labels-de.txt\", \"sha256\": \"$digest\"}"
        val change = "\"count\": 3" to "\"count\": 3, \"locales\": {\"de\": $list}"
        val found = ModelSpec.parse(specJson(change)).localizedLabels
        assertEquals(mapOf("de" to LabelsFile("labels-de.txt", digest)), found)
        refuses("labels.locales is not an object", "\"count\"" to "\"locales\": 1, \"count\"")
        val outside = change.first to change.second.replace("labels-de", "../de")
        refuses("labels.locales.de.file", outside)
    }

    @Test
    fun `refuses what is no object at all`() {
        for (json in listOf("", "[]", "null", "3")) {
            assertFailsWith<ModelSpecException> { ModelSpec.parse(json) }
        }
    }

    private fun refuses(
        words: String,
        change: Pair<String, String>,
    ) {
        val error = assertFailsWith<ModelSpecException> { ModelSpec.parse(specJson(change)) }
        assertContains(error.message.orEmpty(), words)
    }
}
