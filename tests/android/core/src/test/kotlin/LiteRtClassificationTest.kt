package gate

import java.io.File
import kotlin.math.abs
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import com.example.flowers.core.Accelerator
import com.example.flowers.core.ClassifierPipeline
import com.example.flowers.core.EngineException
import com.example.flowers.core.ModelMismatchException
import com.example.flowers.core.Request
import com.example.flowers.core.ResizeRule
import com.example.flowers.core.TensorType
import com.example.flowers.core.check
import com.example.flowers.core.checkFile
import com.example.flowers.core.openFirst

class LiteRtClassificationTest {
    private val models = RealModel.all()

    @Test
    fun `there is a model of each input type`() {
        assertEquals(TensorType.entries.toSet(), models.map { it.spec.input.type }.toSet())
    }

    @Test
    fun `the contract is that of the model`() {
        for (model in models) {
            model.spec.checkFile(model.bytes())
            LiteRtEngine(model.file, Request(Accelerator.CPU)).use {
                model.spec.check(it.inputs, it.outputs)
                assertEquals(model.spec.input.name, it.inputs.single().name)
                val other =
                    model.spec.copy(
                        input = model.spec.input.copy(shape = listOf(1, 1, 1, 3)),
                    )
                assertFailsWith<ModelMismatchException> { other.check(it.inputs, it.outputs) }
            }
        }
    }

    @Test
    fun `twenty real photos get the class and the scores that Python gives them`() {
        for (model in models) {
            for ((threads, rule) in ResizeRule.entries.withIndex()) {
                val engine = LiteRtEngine(model.file, Request(Accelerator.CPU, threads + 1))
                val spec = model.spec.copy(resize = rule)
                ClassifierPipeline(spec, model.labels, engine).use { compare(model, rule, it) }
            }
        }
    }

    private fun compare(
        model: RealModel,
        rule: ResizeRule,
        pipeline: ClassifierPipeline,
    ) {
        assertEquals(20, model.photos.size)
        var largest = 0.0
        val millis = mutableListOf<Double>()
        for (photo in model.photos) {
            val argb = GoldenFiles.pixels(photo.text("photo"))
            val result =
                pipeline.classify(
                    argb,
                    photo.int("width"),
                    photo.int("height"),
                    rotationDegrees = 0,
                    topK = model.spec.classCount,
                    threshold = 0f,
                )
            val theirs = photo.doubles(rule.name.lowercase())
            assertEquals(theirs.size, result.categories.size)
            assertEquals(theirs.indices.maxBy { theirs[it] }, result.categories.first().index)
            for (category in result.categories) {
                largest = maxOf(largest, abs(theirs[category.index] - category.score))
            }
            millis += result.timings.preprocessNanos / 1e6
        }
        val kind = "${model.spec.input.type} $rule"
        println("$kind: scores at most $largest apart, preprocessing ${millis.sorted()[10]} ms")
        // The rule of the model is matched exactly. Of the other, Pillow's versions take the two
        // passes in one order or the other, and round a level differently in between; a model of a
        // few photos, which is less sure, tells more of it.
        val steps = if (rule == model.spec.resize) 1 else 8
        assertTrue(largest <= steps / 256.0, "$kind: $largest")
    }

    @Test
    fun `an accelerator that is not here is refused, and the next one taken`() {
        val model = models.first()
        val requests = listOf(Request(Accelerator.NPU), Request(Accelerator.CPU, 2))
        val opened = openFirst(requests) { LiteRtEngine(model.file, it) }
        opened.engine.use {
            assertEquals(Accelerator.CPU, it.accelerator)
            assertEquals(
                Accelerator.NPU,
                opened.refused
                    .single()
                    .request.accelerator,
            )
        }
    }

    @Test
    fun `a file that is no model is an error`() {
        val broken = File.createTempFile("broken", ".tflite").apply { writeText("not a model") }
        assertFailsWith<EngineException> { LiteRtEngine(broken, Request(Accelerator.CPU)) }
        broken.delete()
    }
}
