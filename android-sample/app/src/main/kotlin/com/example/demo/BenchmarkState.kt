package com.example.demo

import com.example.demo.core.benchmark.BenchmarkProgress
import com.example.demo.core.benchmark.BenchmarkReport

/**
 * All that the benchmark screen shows.
 *
 * @property runs how many are wanted of each combination.
 * @property progress while it runs; null before and after.
 * @property report what was measured so far, or last.
 * @property failure why nothing could be measured, or the results not be kept.
 */
data class BenchmarkState(
    val runs: Int = 100,
    val running: Boolean = false,
    val progress: BenchmarkProgress? = null,
    val report: BenchmarkReport? = null,
    val failure: String? = null,
) {
    companion object {
        val RUNS = listOf(20, 100, 500)
    }
}
