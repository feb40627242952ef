package com.example.demo.classifier

import java.io.File
import java.nio.ByteBuffer
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import com.example.demo.core.ModelMismatchException
import com.example.demo.core.ModelSpec

/** With the model that the app ships. */
class TfliteTensorsTest {
    private val assets = File(System.getProperty("app.assets") ?: "../app/src/main/assets")
    private val spec = ModelSpec.parse(File(assets, "model_spec.json").readText())
    private val content = File(assets, spec.file).readBytes()

    @Test
    fun readsWhatTheModelDeclares() {
        val tensors = TfliteTensors.read(ByteBuffer.wrap(content), "model.tflite")

        val input = tensors.inputs.single()
        assertEquals(spec.input.name, input.name)
        assertEquals(spec.input.shape, input.shape)
        assertEquals(spec.input.type, input.type)
        val output = tensors.outputs.single()
        assertEquals(spec.output.name, output.name)
        assertEquals(spec.output.shape, output.shape)
        assertEquals(spec.output.type, output.type)
    }

    @Test
    fun refusesWhatIsNoModel() {
        for (size in listOf(0, 7, 8, 20)) refuses(content.copyOf(size))
        refuses(ByteArray(1000) { 1 })
        refuses(content.copyOf().also { it.fill(-1, fromIndex = 8) })
    }

    private fun refuses(content: ByteArray) {
        val error =
            assertThrows("${content.size} bytes", ModelMismatchException::class.java) {
                TfliteTensors.read(ByteBuffer.wrap(content), "assets/model.tflite")
            }
        assertTrue(error.message.orEmpty().startsWith("assets/model.tflite is not"))
    }
}
