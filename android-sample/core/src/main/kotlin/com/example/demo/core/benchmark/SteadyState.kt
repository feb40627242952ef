package com.example.demo.core.benchmark

import kotlin.math.abs

/** Whether iterations have come to take the same time. */
internal class SteadyState(
    private val window: Int,
    private val tolerance: Double,
) {
    private val times = ArrayDeque<Long>()

    /** Takes the next iteration's time; whether the last ones took as long as those before them. */
    fun add(nanos: Long): Boolean {
        times.addLast(nanos)
        if (times.size > 2 * window) times.removeFirst()
        if (times.size < 2 * window) return false
        val before = median(times.take(window))
        return abs(median(times.drop(window)) - before) < tolerance * before
    }

    private fun median(nanos: List<Long>): Double {
        val sorted = nanos.sorted()
        return (sorted[(window - 1) / 2] + sorted[window / 2]) / 2.0
    }
}
