package gate

import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModelStore
import java.io.File
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import com.example.flowers.BenchmarkState
import com.example.flowers.BenchmarkViewModel
import com.example.flowers.core.Accelerator
import com.example.flowers.core.Request
import com.example.flowers.core.benchmark.BenchmarkContext
import com.example.flowers.core.benchmark.BenchmarkLimits
import com.example.flowers.core.benchmark.BenchmarkListener
import com.example.flowers.core.benchmark.BenchmarkModel
import com.example.flowers.core.benchmark.BenchmarkProgress
import com.example.flowers.core.benchmark.BenchmarkReport
import com.example.flowers.core.benchmark.BenchmarkStep
import com.example.flowers.core.benchmark.Combination
import com.example.flowers.core.benchmark.Measurement
import com.example.flowers.core.benchmark.PhoneBuild
import com.example.flowers.core.benchmark.StoppableBenchmark

class BenchmarkViewModelTest {
    @get:Rule val main = MainDispatcher()

    @get:Rule val folder = TemporaryFolder()

    private val saved = SavedStateHandle()
    private val prepared = mutableListOf<BenchmarkLimits>()
    private var benchmark = FakeBenchmark()
    private lateinit var results: File
    private lateinit var model: BenchmarkViewModel

    @Before
    fun open() {
        results = folder.root.resolve("shared/benchmarkData.json")
        model = model { benchmark }
    }

    private fun model(
        alone: suspend (suspend () -> Unit) -> Unit = { it() },
        prepare: () -> StoppableBenchmark,
    ) = BenchmarkViewModel(saved, results, alone) {
        prepared += it
        prepare()
    }

    /** Waits for this before each work. */
    private fun CompletableDeferred<Unit>.opens(): suspend (suspend () -> Unit) -> Unit =
        { work ->
            await()
            work()
        }

    private fun until(condition: (BenchmarkState) -> Boolean): BenchmarkState =
        runBlocking { withTimeout(SECONDS * 1000) { model.state.first(condition) } }

    private fun untilDone() = until { !it.running }

    @Test
    fun `it shows how far it is, and keeps what it found`() {
        assertEquals(BenchmarkState(), model.state.value)
        model.choose(20)
        model.start()
        assertEquals(listOf(BenchmarkLimits(runs = 20)), prepared)
        assertTrue(model.state.value.running)
        benchmark.listener.onProgress(PROGRESS)
        assertEquals(BenchmarkState(20, running = true, PROGRESS), model.state.value)
        benchmark.listener.onMeasured(PART)
        assertEquals(PART, model.state.value.report)
        assertFalse(results.exists())
        benchmark.end(WHOLE)
        assertEquals(BenchmarkState(20, report = WHOLE), untilDone())
        assertEquals(WHOLE.toJson(), results.readText())
    }

    @Test
    fun `it waits until it is alone`() {
        val place = CompletableDeferred<Unit>()
        model = model(alone = place.opens()) { benchmark }
        model.start()
        assertTrue(model.state.value.running)
        assertFalse(benchmark.begun)
        place.complete(Unit)
        benchmark.end(WHOLE)
        assertEquals(BenchmarkState(report = WHOLE), untilDone())
    }

    @Test
    fun `stopped before it is alone it ends as soon as it begins`() {
        val place = CompletableDeferred<Unit>()
        model = model(alone = place.opens()) { benchmark }
        model.start()
        model.stop("the benchmark screen was closed")
        place.complete(Unit)
        assertEquals("the benchmark screen was closed", untilDone().report?.context?.interrupted)
    }

    @Test
    fun `a second start while it runs is none`() {
        model.start()
        model.start()
        assertEquals(1, prepared.size)
        benchmark.end(WHOLE)
        untilDone()
    }

    @Test
    fun `started again it forgets the last time`() {
        model.choose(500)
        model.start()
        benchmark.end(WHOLE)
        untilDone()
        benchmark = FakeBenchmark()
        model.start()
        assertEquals(BenchmarkState(500, running = true), model.state.value)
        benchmark.end(PART)
        assertEquals(PART, untilDone().report)
        assertEquals(PART.toJson(), results.readText())
    }

    @Test
    fun `stopped it keeps what there is, with the reason`() {
        model.stop("nothing runs yet")
        model.start()
        model.stop("the benchmark was stopped")
        val report = untilDone().report
        assertEquals("the benchmark was stopped", report?.context?.interrupted)
        assertEquals(report?.toJson(), results.readText())
        model.stop("the benchmark screen was closed")
        assertEquals(listOf("the benchmark was stopped"), benchmark.stops)
    }

    @Test
    fun `what can't be prepared says why, and can be tried again`() {
        var broken = true
        model = model { if (broken) error("there is no model") else benchmark }
        model.start()
        assertEquals(BenchmarkState(failure = "there is no model"), untilDone())
        broken = false
        model.start()
        assertNull(model.state.value.failure)
        benchmark.end(WHOLE)
        assertEquals(BenchmarkState(report = WHOLE), untilDone())
    }

    @Test
    fun `what was measured before a failure is still shown`() {
        model.start()
        benchmark.listener.onMeasured(PART)
        benchmark.listener.onProgress(PROGRESS)
        benchmark.fail(IllegalStateException())
        val state = BenchmarkState(report = PART, failure = "java.lang.IllegalStateException")
        assertEquals(state, untilDone())
        assertFalse(results.exists())
    }

    @Test
    fun `results that can't be kept are shown with the reason`() {
        folder.newFile("shared")
        model.start()
        benchmark.listener.onMeasured(WHOLE)
        benchmark.end(WHOLE)
        val state = untilDone()
        assertEquals(WHOLE, state.report)
        assertFalse(state.failure.isNullOrBlank())
    }

    @Test
    fun `a closed app stops it`() {
        val store = ViewModelStore().apply { put("benchmark", model) }
        model.start()
        benchmark.listener.onProgress(PROGRESS)
        store.clear()
        assertEquals(listOf("the app was closed"), benchmark.stops)
    }

    @Test
    fun `in another process the last results are there`() {
        model.choose(20)
        model.start()
        benchmark.end(WHOLE)
        untilDone()
        model = model { benchmark }
        assertEquals(BenchmarkState(20, report = WHOLE), until { it.report != null })
    }

    @Test
    fun `a run that ended with its process left nothing, and none of the one before`() {
        model.start()
        benchmark.end(WHOLE)
        untilDone()
        benchmark = FakeBenchmark()
        model.start()
        benchmark.listener.onMeasured(PART)
        model = model { benchmark }
        val failure = "Android stopped the app before the results were saved."
        assertEquals(BenchmarkState(failure = failure), until { it.failure != null })
    }

    @Test
    fun `results that can't be read any more say so`() {
        model.start()
        benchmark.end(WHOLE)
        untilDone()
        results.writeText("{")
        model = model { benchmark }
        assertFalse(until { it.failure != null }.failure.isNullOrBlank())
    }

    /** Runs until it is told how it ended. */
    private class FakeBenchmark : StoppableBenchmark {
        private val started = CompletableFuture<BenchmarkListener>()
        private val ended = CompletableFuture<() -> BenchmarkReport>()
        val stops = mutableListOf<String>()
        val begun: Boolean get() = started.isDone

        /** Once it runs. */
        val listener: BenchmarkListener get() = started.get(SECONDS, TimeUnit.SECONDS)

        fun end(report: BenchmarkReport) = ended.complete { report }

        fun fail(cause: Exception) = ended.complete { throw cause }

        override fun run(listener: BenchmarkListener): BenchmarkReport {
            started.complete(listener)
            return ended.get(SECONDS, TimeUnit.SECONDS)()
        }

        override fun stop(why: String) {
            stops += why
            end(PART.copy(context = PART.context.copy(interrupted = why)))
        }
    }

    private companion object {
        /** Longer than any of this takes. */
        const val SECONDS = 60L

        val REQUEST = Request(Accelerator.CPU, 2)
        val PROGRESS =
            BenchmarkProgress(
                number = 1,
                count = 2,
                Combination(BenchmarkModel("flowers") { error("nobody loads it") }, REQUEST),
                BenchmarkStep.MEASURING,
                done = 10,
                total = 20,
            )
        val PHONE =
            BenchmarkContext(
                build = PhoneBuild("acme", "one", "acme/one:16", "BP1", "One", "user", "REL", 36),
                packager = "1",
                runtime = "LiteRT 0",
                cpuCores = 8,
                cpuLocked = null,
                cpuMaxHz = null,
                memoryBytes = 8_000_000_000,
                soc = null,
                abi = "arm64-v8a",
                androidBuild = null,
                batterySaver = null,
                startedAt = "2026-01-02T03:04:05Z",
            )
        val MEASURED =
            Measurement("flowers, CPU, 2", "classify[flowers,CPU,2]", "flowers", REQUEST, 2)
        val PART = BenchmarkReport(PHONE, listOf(MEASURED))
        val WHOLE = BenchmarkReport(PHONE, listOf(MEASURED, MEASURED.copy(steady = true)))
    }
}
