package [[ package ]].core.benchmark

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import [[ package ]].core.Accelerator
import [[ package ]].core.Request

class BenchmarkReportTest {
    private val whole =
        Measurement(
            combination = "flowers, CPU, 2",
            testName = "classify[flowers,CPU,2]",
            model = "flowers",
            request = Request(Accelerator.CPU, 2),
            threads = 2,
            facts = ModelFacts("model.tflite", "aa", 12, "lite0", "int8"),
            actual = ActualEngine(Accelerator.CPU, "slow"),
            loadNanos = 1,
            compileNanos = 2,
            firstInferenceNanos = 3,
            warmUpIterations = 20,
            steady = true,
            runs =
                RunTimes(
                    longArrayOf(40_000_000, 10_000_000, 30_000_000, 20_000_001),
                    longArrayOf(1, 1, 1, 1),
                    longArrayOf(2, 2, 2, 2),
                    longArrayOf(5, 5, 5, 5),
                ),
            totalNanos = 99,
            coolDownSeconds = 5,
            throttled = false,
            peakMemoryBytes = 77,
            checked = 2,
            wrongPhotos = listOf("\"a\"\u202e.png"),
            photos = 2,
        )
    private val skipped =
        Measurement(
            combination = "flowers, GPU",
            testName = "classify[flowers,GPU]",
            model = "flowers",
            request = Request(Accelerator.GPU),
            threads = null,
            skipped = "no OpenCL",
        )

    private fun json(vararg measurements: Measurement): JsonObject =
        Json.parseToJsonElement(BenchmarkReport(PHONE, measurements.toList()).toJson()).jsonObject

    private fun JsonElement.at(path: String): JsonElement =
        path.split('.').fold(this) { element, name ->
            when (element) {
                is JsonArray -> element[name.toInt()]
                else -> element.jsonObject.getValue(name)
            }
        }

    @Test
    fun `a measurement has all that was measured`() {
        val root = json(whole)
        val expected =
            mapOf(
                "context.build.version.sdk" to JsonPrimitive(36),
                "context.cpuLocked" to JsonNull,
                "context.cpuMaxFreqHz" to JsonPrimitive(2_800_000_000),
                "context.packager.format" to JsonPrimitive(1),
                "context.packager.source" to JsonPrimitive("phone"),
                "context.packager.interrupted" to JsonPrimitive(false),
                "benchmarks.0.name" to JsonPrimitive("classify[flowers,CPU,2]"),
                "benchmarks.0.params.threads" to JsonPrimitive("2"),
                "benchmarks.0.metrics.timeNs.minimum" to JsonPrimitive(10_000_000),
                "benchmarks.0.metrics.timeNs.maximum" to JsonPrimitive(40_000_000),
                "benchmarks.0.metrics.timeNs.runs.3" to JsonPrimitive(20_000_001),
                "benchmarks.0.metrics.preprocessNs.median" to JsonPrimitive(1),
                "benchmarks.0.metrics.endToEndNs.coefficientOfVariation" to JsonPrimitive(0),
                "benchmarks.0.packager.statistics.postprocessNs.p99" to JsonPrimitive(2),
                "benchmarks.0.packager.requested.threads" to JsonPrimitive(2),
                "benchmarks.0.packager.actual.accelerator" to JsonPrimitive("CPU"),
                "benchmarks.0.packager.skipped" to JsonNull,
                "benchmarks.0.packager.predictions.wrong" to JsonPrimitive(1),
                "benchmarks.0.packager.predictions.wrongPhotos.0" to
                    JsonPrimitive("\"a\"\u202e.png"),
            )
        for ((path, value) in expected) assertEquals(value, root.at(path), path)
        assertEquals(
            25_000_000.5,
            root.at("benchmarks.0.metrics.timeNs.median").toString().toDouble(),
        )
    }

    @Test
    fun `whole numbers are written as whole numbers`() {
        val text = BenchmarkReport(PHONE, listOf(whole)).toJson()
        assertFalse(Regex("""\d\.0\b""").containsMatchIn(text))
        assertTrue("2.50000005E7" in text && text.endsWith("}\n"))
    }

    @Test
    fun `a skipped one has no metrics and the reason`() {
        val entry = json(skipped).getValue("benchmarks").jsonArray.single()
        assertEquals(JsonObject(emptyMap()), entry.at("metrics"))
        assertEquals(JsonPrimitive("no OpenCL"), entry.at("packager.skipped"))
        assertEquals(setOf("model", "accelerator"), entry.at("params").jsonObject.keys)
        for (field in listOf("model", "actual", "loadNs", "peakMemoryBytes", "throttled")) {
            assertEquals(JsonNull, entry.at("packager.$field"), field)
        }
    }

    @Test
    fun `what was written is read`() {
        val context =
            PHONE.copy(cpuLocked = true, thermalStatusBefore = 1, interrupted = "stopped")
        for (report in listOf(
            BenchmarkReport(context, listOf(whole, skipped)),
            BenchmarkReport(PHONE, listOf(whole.copy(failed = "a fault", facts = null))),
            BenchmarkReport(PHONE, emptyList()),
        )) {
            val read = readReport(report.toJson())
            assertEquals(report.toJson(), read.toJson())
            assertEquals(report.context, read.context)
            // Arrays are equal to themselves only.
            assertEquals(
                report.measurements.map { it.copy(runs = null) },
                read.measurements.map { it.copy(runs = null) },
            )
        }
    }

    @Test
    fun `what is no report is refused`() {
        for (text in listOf("", "[]", "{}", """{"context": {}, "benchmarks": []}""")) {
            assertFailsWith<IllegalArgumentException>(text) { readReport(text) }
        }
    }

    @Test
    fun `the reason of an interruption stands in its place`() {
        val report = BenchmarkReport(PHONE.copy(interrupted = "stopped"), listOf(whole))
        assertEquals(
            JsonPrimitive("stopped"),
            Json.parseToJsonElement(report.toJson()).at("context.packager.interrupted"),
        )
    }
}
