package gate

import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import kotlinx.serialization.json.JsonObject
import com.example.flowers.core.Accelerator
import com.example.flowers.core.Request
import com.example.flowers.core.TensorType
import com.example.flowers.core.benchmark.Benchmark
import com.example.flowers.core.benchmark.BenchmarkContext
import com.example.flowers.core.benchmark.BenchmarkLimits
import com.example.flowers.core.benchmark.BenchmarkListener
import com.example.flowers.core.benchmark.BenchmarkModel
import com.example.flowers.core.benchmark.BenchmarkPlan
import com.example.flowers.core.benchmark.BenchmarkProgress
import com.example.flowers.core.benchmark.BenchmarkReport
import com.example.flowers.core.benchmark.CpuClocks
import com.example.flowers.core.benchmark.LoadedModel
import com.example.flowers.core.benchmark.PhoneBuild
import com.example.flowers.core.benchmark.Predictions
import com.example.flowers.core.benchmark.SamplePhoto
import com.example.flowers.core.benchmark.Surroundings
import com.example.flowers.core.benchmark.writeWhole

/** The plan with a real model, real photos and the real runtime. */
class LiteRtBenchmarkTest {
    private val model = RealModel.all().first { it.spec.input.type == TensorType.UINT8 }
    private val file = File(setting("results")).apply { parentFile.mkdirs() }

    private class StoredPhoto(
        case: JsonObject,
    ) : SamplePhoto {
        override val file = case.text("photo")
        override val width = case.int("width")
        override val height = case.int("height")
        private val argb = GoldenFiles.pixels(file)

        override fun pixels(): IntArray = argb
    }

    private object Machine : Surroundings {
        override fun thermalStatus(): Int? = null

        override fun memoryBytes(): Long? =
            Runtime.getRuntime().run { totalMemory() - freeMemory() }

        override fun pause(seconds: Int) = error("nothing is hot")

        override fun stopReason(): String? = null
    }

    private class Keeping(
        private val file: File,
    ) : BenchmarkListener {
        override fun onProgress(progress: BenchmarkProgress) = Unit

        override fun onMeasured(report: BenchmarkReport) = writeWhole(file, report.toJson())
    }

    private val context =
        BenchmarkContext(
            build = PhoneBuild("none", "jvm", "", "", "JVM", "user", "", 0),
            packager = model.spec.packager.orEmpty(),
            runtime = "LiteRT",
            cpuCores = Runtime.getRuntime().availableProcessors(),
            cpuLocked = CpuClocks().locked,
            cpuMaxHz = CpuClocks().maxHz,
            memoryBytes = Runtime.getRuntime().maxMemory(),
            soc = null,
            abi = System.getProperty("os.arch"),
            androidBuild = null,
            batterySaver = null,
            startedAt = "2026-01-02T03:04:05Z",
        )

    private fun run(
        predictions: String,
        file: File,
        limits: BenchmarkLimits = BenchmarkLimits(runs = 20, mostWarmUp = 30),
    ): BenchmarkReport {
        val benched =
            BenchmarkModel("flowers") {
                LoadedModel(model.spec, model.labels, model.file.length()) {
                    LiteRtEngine(model.file, it)
                }
            }
        val requests =
            listOf(
                Request(Accelerator.CPU, 1),
                Request(Accelerator.CPU, 2),
                Request(Accelerator.NPU),
            )
        val plan = BenchmarkPlan(listOf(benched), requests, limits)
        val photos = model.photos.map(::StoredPhoto)
        return Benchmark(plan, photos, Predictions.parse(predictions), Machine, Keeping(file))
            .run(context)
    }

    @Test
    fun `every photo is the class that Python makes of it, at one thread and two`() {
        val report = run(GoldenFiles.text("predictions.json"), file)
        val (one, two, npu) = report.measurements
        for (measured in listOf(one, two)) {
            assertNull(measured.skipped ?: measured.failed, measured.combination)
            assertEquals(20 to emptyList(), measured.checked to measured.wrongPhotos)
            val runs = assertNotNull(measured.runs)
            assertEquals(20, runs.inference.size)
            assertEquals(20, measured.photos)
            for (run in runs.inference.indices) {
                val parts = runs.run { preprocess[run] + inference[run] + postprocess[run] }
                assertTrue(parts in 1..runs.endToEnd[run])
            }
            assertTrue(assertNotNull(measured.compileNanos) > 0)
            assertTrue(assertNotNull(measured.firstInferenceNanos) > 0)
        }
        assertNotNull(npu.skipped)
        assertNull(report.context.interrupted)
        assertEquals(report.toJson(), file.readText())
    }

    @Test
    fun `a photo that Python sees otherwise is marked`() {
        val truth = GoldenFiles.text("predictions.json")
        val first = model.photos.first().text("photo")
        val entry = Regex("""("file": "${Regex.escape(first)}"[^}]*?"index": )(\d+)""")
        assertTrue(entry.containsMatchIn(truth))
        val lie =
            entry.replace(truth) {
                val (before, index) = it.destructured
                before + (index.toInt() + 1) % model.spec.classCount
            }
        val limits = BenchmarkLimits(runs = 20, mostWarmUp = 10)
        val measured = run(lie, file.resolveSibling("lie.json"), limits).measurements.first()
        assertEquals(20 to listOf(first), measured.checked to measured.wrongPhotos)
    }
}
