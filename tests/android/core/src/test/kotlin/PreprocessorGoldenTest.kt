package gate

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.ceil
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import com.example.flowers.core.ModelSpec
import com.example.flowers.core.Preprocessor
import com.example.flowers.core.TensorType
import com.example.flowers.core.region

class PreprocessorGoldenTest {
    private val views = GoldenFiles.cases("views")

    @Test
    fun `takes the same part of each photo`() {
        for (view in views) {
            val turned = view.int("rotation") % 180 != 0
            val width = view.int(if (turned) "height" else "width")
            val height = view.int(if (turned) "width" else "height")
            val region = view.input(TensorType.UINT8).spec().region(width, height)
            val ours = region.run { listOf(left, top, this.width, this.height) }
            for ((mine, theirs) in ours.zip(view.doubles("region"))) {
                assertEquals(theirs, mine, 1e-9, view.description())
            }
        }
    }

    @Test
    fun `uint8 input is that of Python within one level`() {
        assertTrue(largestDifference(TensorType.UINT8) { buffer, i -> unsigned(buffer, i) } <= 1)
    }

    @Test
    fun `float input is that of Python within what one level makes`() {
        val difference =
            largestDifference(TensorType.FLOAT32, ModelSpec::levelStep) { buffer, i ->
                buffer.getFloat(i * Float.SIZE_BYTES).toDouble()
            }
        assertTrue(difference <= 1 + 1e-4, "$difference levels")
    }

    @Test
    fun `int8 input is that of Python within what one level makes`() {
        val difference =
            largestDifference(TensorType.INT8, { channel ->
                ceil(levelStep(channel) / checkNotNull(input.scale))
            }) { buffer, i -> buffer.get(i).toDouble() }
        assertTrue(difference <= 1, "$difference levels")
    }

    @Test
    fun `the same levels enter the model as the same numbers`() {
        for (view in views) {
            val levels = view.ours(TensorType.UINT8)
            val theirLevels = view.theirs(TensorType.UINT8)
            val integers = view.ours(TensorType.INT8)
            val theirIntegers = view.theirs(TensorType.INT8)
            val reals = view.ours(TensorType.FLOAT32).asFloatBuffer()
            val theirReals = view.theirs(TensorType.FLOAT32).asFloatBuffer()
            val same = (0 until levels.capacity()).filter { levels[it] == theirLevels[it] }
            assertTrue(same.size > levels.capacity() / 2, view.description())
            for (i in same) {
                assertEquals(theirIntegers[i], integers[i], view.description())
                assertEquals(theirReals[i], reals[i], 1e-6f, view.description())
            }
        }
    }

    @Test
    fun `one preprocessor gives the same for all photos in turn`() {
        for (rule in listOf("stretch", "crop")) {
            val some = views.filter { it.text("rule") == rule }
            val kept = Preprocessor(some.first().input(TensorType.FLOAT32).spec())
            for (view in some) {
                assertEquals(fresh(view), floats(kept, view), view.description())
            }
        }
    }

    private fun fresh(view: JsonObject): List<Float> =
        floats(Preprocessor(view.input(TensorType.FLOAT32).spec()), view)

    private fun floats(
        preprocessor: Preprocessor,
        view: JsonObject,
    ): List<Float> {
        val buffer = view.run(preprocessor, view.input(TensorType.FLOAT32).spec())
        return List(buffer.capacity() / Float.SIZE_BYTES) { buffer.getFloat(it * Float.SIZE_BYTES) }
    }

    /** Over all photos, in levels: [step] is what one level makes in a channel. */
    private fun largestDifference(
        type: TensorType,
        step: ModelSpec.(Int) -> Double = { 1.0 },
        number: (ByteBuffer, Int) -> Double,
    ): Double {
        var largest = 0.0
        var differing = 0
        for (view in views) {
            val spec = view.input(type).spec()
            val ours = view.ours(type)
            val theirs = view.theirs(type)
            assertEquals(theirs.capacity(), ours.capacity())
            val steps = List(3) { spec.step(it) }
            for (i in 0 until spec.input.elementCount) {
                val difference = abs(number(ours, i) - number(theirs, i)) / steps[i % 3]
                if (difference > largest) largest = difference
                if (difference > 1e-4) differing++
            }
        }
        println("$type: at most $largest levels apart, $differing numbers differ")
        return largest
    }

    private fun unsigned(
        buffer: ByteBuffer,
        index: Int,
    ): Double = (buffer.get(index).toInt() and 255).toDouble()

    private fun JsonObject.ours(type: TensorType): ByteBuffer {
        val spec = input(type).spec()
        return run(Preprocessor(spec), spec)
    }

    private fun JsonObject.theirs(type: TensorType): ByteBuffer =
        GoldenFiles.numbers(input(type).text("file"))

    private fun JsonObject.run(
        preprocessor: Preprocessor,
        spec: ModelSpec,
    ): ByteBuffer {
        val target = ByteBuffer.allocateDirect(spec.input.byteCount).order(ByteOrder.nativeOrder())
        val argb = GoldenFiles.pixels(text("photo"))
        preprocessor.run(argb, int("width"), int("height"), int("rotation"), target)
        return target
    }

    private fun JsonObject.input(type: TensorType): JsonObject =
        list("inputs").map { it.jsonObject }.single { it.spec().input.type == type }

    private fun JsonObject.description(): String =
        "${int("width")} x ${int("height")} turned by ${int("rotation")}, ${text("rule")}"
}

private fun ModelSpec.levelStep(channel: Int): Double = 1.0 / std[channel]
