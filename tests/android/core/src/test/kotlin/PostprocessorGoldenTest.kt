package gate

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlinx.serialization.json.jsonObject
import com.example.flowers.core.Postprocessor

class PostprocessorGoldenTest {
    @Test
    fun `scores and their order are those of Python`() {
        for (case in GoldenFiles.cases("scores")) {
            val spec = case.spec()
            val labels = List(spec.classCount) { "class $it" }
            val postprocessor = Postprocessor(spec, labels)
            val output = GoldenFiles.numbers(case.text("output"))
            val scores = case.doubles("scores")
            val kind = "${spec.output.type} ${spec.semantics}"
            for (top in case.list("top").map { it.jsonObject }) {
                val all = postprocessor.run(output, top.int("k"), -Float.MAX_VALUE)
                assertEquals(top.ints("order"), all.map { it.index }, kind)
                for (category in all) {
                    assertEquals(scores[category.index], category.score.toDouble(), 1e-5, kind)
                    assertEquals(labels[category.index], category.label)
                }
                val threshold = case.double("threshold").toFloat()
                val above = postprocessor.run(output, top.int("k"), threshold)
                assertEquals(top.ints("above"), above.map { it.index }, kind)
            }
        }
    }
}
