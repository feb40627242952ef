package com.example.demo.core.benchmark

import java.io.IOException
import kotlin.io.path.createTempDirectory
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import com.example.demo.core.spec

class WholeFileTest {
    private val folder = createTempDirectory().toFile()

    @AfterTest
    fun clean() {
        folder.deleteRecursively()
    }

    @Test
    fun `takes the place of the one before and leaves nothing else`() {
        val file = folder.resolve("results.json")
        for (text in listOf("first 🌹", "second")) {
            writeWhole(file, text)
            assertEquals(text, file.readText())
        }
        assertEquals(listOf("results.json"), folder.list()?.toList())
    }

    @Test
    fun `what can't be written is an error and leaves nothing`() {
        val taken = folder.resolve("results.json").apply { mkdirs() }
        taken.resolve("inside").writeText("x")
        assertFailsWith<IOException> { writeWhole(taken, "text") }
        assertTrue(taken.resolve("inside").exists())
        assertEquals(1, folder.list()?.size)
        assertFailsWith<IOException> { writeWhole(folder.resolve("none/results.json"), "text") }
    }

    @Test
    fun `a model is called by what it is`() {
        val spec = spec().copy(name = "Ann's flowers EfficientNet-Lite0", quantization = "int8")
        assertEquals("ann-s-flowers-efficientnet-lite0-int8", benchmarkName(spec))
    }
}
