package com.example.demo.core.benchmark

import java.nio.ByteBuffer
import com.example.demo.core.Accelerator
import com.example.demo.core.Engine
import com.example.demo.core.NanoClock
import com.example.demo.core.Request
import com.example.demo.core.gray
import com.example.demo.core.spec

internal const val MILLI = 1_000_000L
internal const val SECOND = 1_000_000_000L

/** A clock that stands still but for what is done. */
internal class FakeClock : NanoClock {
    var nanos = 0L

    override fun now(): Long = nanos
}

/** Takes [duration] of the clock for each run, and says of each photo what [answer] says. */
internal class SlowEngine(
    private val clock: FakeClock,
    override val accelerator: Accelerator = Accelerator.CPU,
    private val answer: (level: Float) -> Int = { 0 },
    private val duration: (run: Int) -> Long,
) : Engine {
    override val description = "slow"
    var runs = 0
        private set
    var closed = false
        private set

    override fun run(
        input: ByteBuffer,
        output: ByteBuffer,
    ) {
        clock.nanos += duration(runs++)
        val best = answer(input.getFloat(0))
        output.asFloatBuffer().put(FloatArray(3) { if (it == best) 0.9f else 0.05f })
    }

    override fun close() {
        closed = true
    }
}

/** A photo of one gray; reading it takes [readNanos] of the clock. */
internal class GrayPhoto(
    override val file: String,
    private val level: Int,
    private val clock: FakeClock,
    private val readNanos: Long = 0,
) : SamplePhoto {
    override val width = 3
    override val height = 2

    override fun pixels(): IntArray {
        clock.nanos += readNanos
        return IntArray(width * height) { gray(level) }
    }
}

internal class FakeSurroundings(
    private val clock: FakeClock,
) : Surroundings {
    var heat: (nanos: Long) -> Int? = { null }
    var memory: () -> Long? = { null }
    var stop: () -> String? = { null }

    override fun thermalStatus(): Int? = heat(clock.nanos)

    override fun memoryBytes(): Long? = memory()

    override fun pause(seconds: Int) {
        clock.nanos += seconds * SECOND
    }

    override fun stopReason(): String? = stop()
}

internal class Heard : BenchmarkListener {
    val progress = mutableListOf<BenchmarkProgress>()
    val reports = mutableListOf<BenchmarkReport>()

    override fun onProgress(progress: BenchmarkProgress) {
        this.progress += progress
    }

    override fun onMeasured(report: BenchmarkReport) {
        reports += report
    }
}

internal val LABELS = listOf("daisy", "rose", "tulip")

internal fun model(
    name: String = "flowers",
    open: (Request) -> Engine,
) = BenchmarkModel(name) { LoadedModel(spec(), LABELS, bytes = 12, open = open) }

internal val PHONE =
    BenchmarkContext(
        build = PhoneBuild("acme", "one", "acme/one:16", "BP1", "One", "user", "REL", 36),
        packager = "1",
        runtime = "LiteRT 0",
        cpuCores = 8,
        cpuLocked = null,
        cpuMaxHz = 2_800_000_000,
        memoryBytes = 8_000_000_000,
        soc = null,
        abi = "arm64-v8a",
        androidBuild = "16",
        batterySaver = false,
        startedAt = "2026-01-02T03:04:05Z",
    )
