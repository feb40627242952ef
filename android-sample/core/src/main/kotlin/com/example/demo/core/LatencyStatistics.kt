package com.example.demo.core

import kotlin.math.sqrt

/**
 * What a series of measured times amounts to, in nanoseconds.
 *
 * Percentiles are interpolated linearly between the two nearest samples, as numpy does.
 */
class LatencyStatistics(
    samplesNanos: LongArray,
) {
    private val sorted = samplesNanos.sortedArray()

    init {
        require(sorted.isNotEmpty()) { "there are no samples" }
    }

    val count: Int = sorted.size
    val min: Long = sorted.first()
    val max: Long = sorted.last()
    val mean: Double = sorted.average()

    /** Of a sample, divided by `count - 1`; 0 for a single one. */
    val standardDeviation: Double =
        if (count == 1) 0.0 else sqrt(sorted.sumOf { (it - mean) * (it - mean) } / (count - 1))

    /** Standard deviation / mean; null where nothing took any time. */
    val coefficientOfVariation: Double? = if (mean == 0.0) null else standardDeviation / mean
    val median: Double = percentile(50.0)
    val p90: Double = percentile(90.0)
    val p95: Double = percentile(95.0)
    val p99: Double = percentile(99.0)

    /** [percent] from 0 to 100. */
    fun percentile(percent: Double): Double {
        require(percent in 0.0..100.0) { "$percent is not a percentage" }
        val place = percent / 100 * (count - 1)
        val below = place.toInt()
        val above = minOf(below + 1, count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (place - below)
    }
}
