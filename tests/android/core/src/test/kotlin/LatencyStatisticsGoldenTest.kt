package gate

import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import com.example.flowers.core.LatencyStatistics

class LatencyStatisticsGoldenTest {
    @Test
    fun `statistics are numpy's, as Python's are`() {
        val cases = Json.parseToJsonElement(File(setting("statistics")).readText()).jsonArray
        assertTrue(cases.size >= 10)
        for (case in cases.map { it.jsonObject }) {
            val samples = case.list("samples").map { it.jsonPrimitive.long }
            val statistics = LatencyStatistics(samples.toLongArray())
            val ours =
                mapOf(
                    "count" to statistics.count.toDouble(),
                    "minimum" to statistics.min.toDouble(),
                    "maximum" to statistics.max.toDouble(),
                    "mean" to statistics.mean,
                    "median" to statistics.median,
                    "standardDeviation" to statistics.standardDeviation,
                    "coefficientOfVariation" to statistics.coefficientOfVariation,
                    "p90" to statistics.p90,
                    "p95" to statistics.p95,
                    "p99" to statistics.p99,
                )
            assertEquals(case.keys - setOf("name", "samples"), ours.keys)
            for ((name, value) in ours) {
                val what = "$name of ${case.text("name")}"
                val theirs = case.getValue(name).jsonPrimitive.doubleOrNull
                assertEquals(theirs == null, value == null, what)
                if (theirs != null && value != null) {
                    assertEquals(theirs, value, theirs * 1e-12, what)
                }
            }
        }
    }
}
