package com.example.demo.core

import kotlin.math.sqrt
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class LatencyStatisticsTest {
    @Test
    fun `of an unsorted series, which it leaves as it is`() {
        val samples = longArrayOf(40, 10, 30, 20)
        val statistics = LatencyStatistics(samples)
        assertContentEquals(longArrayOf(40, 10, 30, 20), samples)
        assertEquals(4, statistics.count)
        assertEquals(10, statistics.min)
        assertEquals(25.0, statistics.mean)
        assertEquals(25.0, statistics.median)
        assertEquals(sqrt(500.0 / 3), statistics.standardDeviation, 1e-9)
        assertEquals(37.0, statistics.p90, 1e-9)
        assertEquals(38.5, statistics.p95, 1e-9)
        assertEquals(39.7, statistics.p99, 1e-9)
    }

    @Test
    fun `a single sample is everything`() {
        val statistics = LatencyStatistics(longArrayOf(5))
        assertEquals(listOf(5.0, 5.0, 5.0, 5.0), statistics.run { listOf(mean, median, p90, p99) })
        assertEquals(0.0, statistics.standardDeviation)
    }

    @Test
    fun `refuses none, and what is not a percentage`() {
        assertFailsWith<IllegalArgumentException> { LatencyStatistics(LongArray(0)) }
        val statistics = LatencyStatistics(longArrayOf(1, 2))
        assertFailsWith<IllegalArgumentException> { statistics.percentile(100.1) }
    }
}
