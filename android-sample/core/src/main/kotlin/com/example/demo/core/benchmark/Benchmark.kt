package com.example.demo.core.benchmark

import com.example.demo.core.NanoClock
import com.example.demo.core.SYSTEM_CLOCK

/** Walks a plan, and keeps what was measured whatever happens on the way. */
class Benchmark(
    private val plan: BenchmarkPlan,
    private val photos: List<SamplePhoto>,
    private val predictions: Predictions,
    private val surroundings: Surroundings,
    private val listener: BenchmarkListener,
    private val clock: NanoClock = SYSTEM_CLOCK,
) {
    init {
        require(photos.isNotEmpty()) { "there is no photo to feed" }
    }

    /**
     * Measures each combination, until all are through or it is told to stop.
     *
     * A model or an accelerator that fails is written down and the next one measured. What the
     * listener throws ends it.
     */
    fun run(context: BenchmarkContext): BenchmarkReport {
        val begun = context.copy(thermalStatusBefore = surroundings.thermalStatus())
        val done = mutableListOf<Measurement>()
        val count = plan.combinations.size
        for ((index, combination) in plan.combinations.withIndex()) {
            val stopped = surroundings.stopReason()
            if (stopped != null) return report(begun, done, stopped)
            done += measure(index + 1, combination)
            val unfinished = UNFINISHED.takeIf { index + 1 < count }
            // When the process dies, the file that was written last has to tell.
            listener.onMeasured(report(begun, done, surroundings.stopReason() ?: unfinished))
        }
        return report(begun, done, surroundings.stopReason())
    }

    private fun measure(
        number: Int,
        combination: Combination,
    ): Measurement {
        val count = plan.combinations.size
        val tell = { step: BenchmarkStep, done: Int, total: Int ->
            listener.onProgress(BenchmarkProgress(number, count, combination, step, done, total))
        }
        return CombinationRun(
            combination,
            plan.limits,
            photos,
            predictions,
            surroundings,
            clock,
            tell,
        ).run()
    }

    private fun report(
        context: BenchmarkContext,
        done: List<Measurement>,
        interrupted: String?,
    ) = BenchmarkReport(
        context.copy(
            thermalStatusAfter = surroundings.thermalStatus(),
            interrupted = interrupted,
        ),
        done.toList(),
    )

    private companion object {
        const val UNFINISHED = "the process ended early"
    }
}
