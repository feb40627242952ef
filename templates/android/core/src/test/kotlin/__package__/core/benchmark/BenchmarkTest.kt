package [[ package ]].core.benchmark

import java.io.IOException
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue
import [[ package ]].core.Accelerator
import [[ package ]].core.Engine
import [[ package ]].core.EngineException
import [[ package ]].core.Request
import [[ package ]].core.spec

class BenchmarkTest {
    private val clock = FakeClock()
    private val surroundings = FakeSurroundings(clock)
    private val heard = Heard()
    private val cpu = Request(Accelerator.CPU, 2)
    private val photos = listOf(photo("dark.png", 10), photo("light.png", 200))
    private var predictions = Predictions.NONE
    private var limits = BenchmarkLimits()

    private fun photo(
        file: String,
        level: Int,
    ) = GrayPhoto(file, level, clock, readNanos = MILLI)

    private fun run(
        requests: List<Request> = listOf(cpu),
        listener: BenchmarkListener = heard,
        open: (Request) -> Engine,
    ): BenchmarkReport {
        val plan = BenchmarkPlan(listOf(model(open = open)), requests, limits)
        return Benchmark(plan, photos, predictions, surroundings, listener, clock).run(PHONE)
    }

    private fun measure(open: (Request) -> Engine): Measurement = run(open = open).measurements[0]

    @Test
    fun `a model that is steady at once is warmed up for two windows and then measured`() {
        val engine = SlowEngine(clock) { 5 * MILLI }
        val measured = measure { engine }
        assertEquals(20, measured.warmUpIterations)
        assertTrue(measured.steady)
        assertEquals(1 + 20 + 100, engine.runs)
        val runs = assertNotNull(measured.runs)
        assertContentEquals(LongArray(100) { 5 * MILLI }, runs.inference)
        assertContentEquals(LongArray(100) { MILLI }, runs.preprocess)
        assertContentEquals(LongArray(100) { 6 * MILLI }, runs.endToEnd)
        assertEquals(5 * MILLI, measured.firstInferenceNanos)
        assertEquals(121 * 6 * MILLI, measured.totalNanos)
        assertEquals(ActualEngine(Accelerator.CPU, "slow"), measured.actual)
        assertEquals(2, measured.photos)
        assertNull(measured.skipped)
        assertTrue(engine.closed)
    }

    @Test
    fun `the first inference is not among the runs`() {
        val measured = measure { SlowEngine(clock) { if (it == 0) SECOND else MILLI } }
        assertEquals(SECOND, measured.firstInferenceNanos)
        assertEquals(MILLI, measured.runs?.inference?.max())
    }

    @Test
    fun `loading and compiling are timed apart`() {
        val loading =
            BenchmarkModel("flowers") {
                clock.nanos += 3
                LoadedModel(spec(), LABELS, bytes = 12) {
                    clock.nanos += 70
                    SlowEngine(clock) { MILLI }
                }
            }
        val plan = BenchmarkPlan(listOf(loading), listOf(cpu))
        val report = Benchmark(plan, photos, predictions, surroundings, heard, clock).run(PHONE)
        val measured = report.measurements.single()
        assertEquals(3L to 70L, measured.loadNanos to measured.compileNanos)
    }

    @Test
    fun `one that is never steady is measured after the most iterations`() {
        val measured = measure { SlowEngine(clock) { (it + 1) * 1000L } }
        assertEquals(200, measured.warmUpIterations)
        assertFalse(measured.steady)
        assertEquals(100, measured.runs?.inference?.size)
    }

    @Test
    fun `time limits end warming up and measuring, but not before the least`() {
        // 10 s of warming up, 30 s of measuring, each iteration with a millisecond of reading.
        val slow = measure { SlowEngine(clock) { 1499 * MILLI } }
        assertEquals(10, slow.warmUpIterations)
        assertFalse(slow.steady)
        assertEquals(20, slow.runs?.inference?.size)
        val slower = measure { SlowEngine(clock) { 5 * SECOND } }
        assertEquals(10, slower.warmUpIterations)
        assertEquals(10, slower.runs?.inference?.size)
    }

    @Test
    fun `what was measured before a failure is kept, and the next combination measured`() {
        val report =
            run(listOf(cpu, Request(Accelerator.CPU, 4))) { request ->
                SlowEngine(clock) {
                    if (request == cpu && it == 21 + 36) throw EngineException("the driver died")
                    MILLI
                }
            }
        val (broken, whole) = report.measurements
        assertEquals(36, broken.runs?.inference?.size)
        assertEquals("failed after 36 runs: the driver died", broken.failed)
        assertNull(broken.skipped)
        assertEquals(100, whole.runs?.inference?.size)
        assertNull(whole.failed)
        assertNull(report.context.interrupted)
    }

    @Test
    fun `a combination that can't be opened says why, and the next one is measured`() {
        val other = SlowEngine(clock) { MILLI }
        val report =
            run(
                listOf(
                    Request(Accelerator.GPU),
                    Request(Accelerator.NPU),
                    Request(Accelerator.CPU, 1),
                    cpu,
                ),
            ) {
                when (it) {
                    Request(Accelerator.GPU) -> throw EngineException("no OpenCL")
                    Request(Accelerator.NPU) -> throw NoClassDefFoundError("Npu")
                    cpu -> SlowEngine(clock) { 1 }
                    else -> throw OutOfMemoryError("no room")
                }
            }
        assertEquals(
            listOf("no OpenCL", "NoClassDefFoundError: Npu", "no room", null),
            report.measurements.map { it.skipped },
        )
        val empty = report.measurements.map { it.runs == null }
        assertEquals(listOf(true, true, true, false), empty)
        assertNull(report.context.interrupted)
        val falling = run(listOf(Request(Accelerator.GPU))) { other }
        assertEquals(
            "it would run on the CPU instead",
            falling.measurements.single().skipped,
        )
        assertEquals(0, other.runs)
        assertTrue(other.closed)
    }

    @Test
    fun `stopped early it keeps the runs so far and measures no more`() {
        var last: SlowEngine? = null
        surroundings.stop = { "stopped".takeIf { (last?.runs ?: 0) >= 21 + 7 } }
        val report =
            run(listOf(cpu, Request(Accelerator.GPU))) {
                SlowEngine(clock) { MILLI }.also { last = it }
            }
        val (stopped) = report.measurements
        assertEquals(7, stopped.runs?.inference?.size)
        assertEquals(1, report.measurements.size)
        assertEquals("stopped", report.context.interrupted)
        assertEquals(true, last?.closed)
    }

    @Test
    fun `stopped after a failure it says both, each in its place`() {
        val requests = listOf(cpu, Request(Accelerator.CPU, 4), Request(Accelerator.GPU))
        surroundings.stop = { "stopped".takeIf { heard.reports.size == 2 } }
        val report =
            run(requests) { request ->
                SlowEngine(clock) {
                    if (request == cpu && it == 30) throw EngineException("the driver died")
                    MILLI
                }
            }
        assertEquals(
            listOf("failed after 9 runs: the driver died", null),
            report.measurements.map { it.failed },
        )
        assertEquals("stopped", report.context.interrupted)
        assertEquals(
            listOf<String?>("the process ended early", "the process ended early"),
            heard.reports.map { it.context.interrupted },
        )
    }

    @Test
    fun `stopped while it warms up it has nothing`() {
        var last: SlowEngine? = null
        surroundings.stop = { "stopped".takeIf { (last?.runs ?: 0) >= 3 } }
        val measured = measure { SlowEngine(clock) { MILLI }.also { last = it } }
        assertNull(measured.runs)
        assertEquals("stopped", measured.skipped)
        assertEquals(2, measured.warmUpIterations)
    }

    @Test
    fun `a hot phone is waited for`() {
        surroundings.heat = { nanos -> if (nanos < 12 * SECOND) 3 else 0 }
        val measured = measure { SlowEngine(clock) { MILLI } }
        assertEquals(15, measured.coolDownSeconds)
        assertEquals(false, measured.throttled)
        assertTrue(measured.totalNanos < SECOND)
        assertEquals(
            listOf(0, 5, 10),
            heard.progress.filter { it.step == BenchmarkStep.COOLING_DOWN }.map { it.done },
        )
    }

    @Test
    fun `one that stays hot is measured after the limit, and marked`() {
        limits = BenchmarkLimits(coolDownSeconds = 12)
        surroundings.heat = { 1 }
        val report = run { SlowEngine(clock) { MILLI } }
        assertEquals(12, report.measurements.single().coolDownSeconds)
        assertEquals(true, report.measurements.single().throttled)
        assertEquals(1 to 1, report.context.run { thermalStatusBefore to thermalStatusAfter })
        surroundings.heat = { null }
        assertNull(measure { SlowEngine(clock) { MILLI } }.throttled)
    }

    @Test
    fun `memory is what came on top`() {
        val needed = ArrayDeque(listOf(100L, 130L, 180L, 150L))
        surroundings.memory = { needed.removeFirst() }
        assertEquals(80, measure { SlowEngine(clock) { MILLI } }.peakMemoryBytes)
        surroundings.memory = { null }
        assertNull(measure { SlowEngine(clock) { MILLI } }.peakMemoryBytes)
    }

    @Test
    fun `a fast wrong answer is marked wrong`() {
        predictions =
            Predictions.parse(
                """{"format": 1, "models": {"${spec().sha256}": [
                  {"file": "dark.png", "label": "daisy", "index": 0, "score": 0.9},
                  {"file": "light.png", "label": "tulip", "index": 2, "score": 0.9},
                  {"file": "other.png", "label": "tulip", "index": 2, "score": 0.9}]}}""",
            )
        val wrong = measure { SlowEngine(clock) { 1 } }
        assertEquals(2 to listOf("light.png"), wrong.checked to wrong.wrongPhotos)
        val right = measure { SlowEngine(clock, answer = { if (it > 100) 2 else 0 }) { 1 } }
        assertEquals(2 to emptyList(), right.checked to right.wrongPhotos)
        predictions = Predictions.NONE
        assertEquals(0, measure { SlowEngine(clock) { 1 } }.checked)
    }

    @Test
    fun `each combination is heard of as soon as it is through`() {
        val report = run(listOf(cpu, Request(Accelerator.GPU))) { SlowEngine(clock) { MILLI } }
        assertEquals(listOf(1, 2), heard.reports.map { it.measurements.size })
        assertEquals(
            listOf("the process ended early", null),
            heard.reports.map { it.context.interrupted },
        )
        assertEquals(report, heard.reports.last())
        val steps = heard.progress.filter { it.number == 1 }
        assertEquals(
            listOf(BenchmarkStep.OPENING, BenchmarkStep.WARMING_UP, BenchmarkStep.MEASURING),
            steps.map { it.step }.distinct(),
        )
        assertEquals(90 to 100, steps.last().run { done to total })
    }

    @Test
    fun `a listener that fails ends it`() {
        val full =
            object : BenchmarkListener by heard {
                override fun onProgress(progress: BenchmarkProgress): Unit =
                    throw IOException("the disk is full")
            }
        val engine = SlowEngine(clock) { MILLI }
        assertFailsWith<IOException> { run(listener = full) { engine } }
    }
}
