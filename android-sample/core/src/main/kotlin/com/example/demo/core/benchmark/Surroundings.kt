package com.example.demo.core.benchmark

/** What lies around a measurement and may disturb it: heat, memory, people. */
interface Surroundings {
    /** Android's THERMAL_STATUS, 0 (none) to 6 (shutdown); null where the phone doesn't tell. */
    fun thermalStatus(): Int?

    /** What the process needs of the memory now; null where nobody tells. */
    fun memoryBytes(): Long?

    /** Does nothing for so long, or until there is a [stopReason]. */
    fun pause(seconds: Int)

    /** Why to stop now; null to go on. Asked before each iteration. */
    fun stopReason(): String?
}

enum class BenchmarkStep { COOLING_DOWN, OPENING, WARMING_UP, MEASURING }

/**
 * How far it has come.
 *
 * @property number of the combination, from 1; there are [count].
 * @property done of [total] iterations, or seconds when it cools down.
 */
data class BenchmarkProgress(
    val number: Int,
    val count: Int,
    val combination: Combination,
    val step: BenchmarkStep,
    val done: Int = 0,
    val total: Int = 0,
)

/** Hears of it while it runs, on its thread and between iterations. */
interface BenchmarkListener {
    fun onProgress(progress: BenchmarkProgress)

    /** One more combination is through; [report] has all so far. */
    fun onMeasured(report: BenchmarkReport)
}
