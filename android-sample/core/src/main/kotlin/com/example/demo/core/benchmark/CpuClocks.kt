package com.example.demo.core.benchmark

import java.io.File
import java.io.IOException

/** The clocks of the processor's cores, as far as the system lets an app read them. */
class CpuClocks(
    folder: File = File("/sys/devices/system/cpu"),
) {
    private val ranges: List<LongRange> =
        folder
            .listFiles { file -> CORE.matches(file.name) }
            .orEmpty()
            .mapNotNull { range(it.resolve("cpufreq")) }

    /** Whether each core has but one frequency to choose from; null where that can't be read. */
    val locked: Boolean? = if (ranges.isEmpty()) null else ranges.all { it.first == it.last }

    /** The fastest core's highest frequency. */
    val maxHz: Long? = ranges.maxOfOrNull { it.last * HZ_PER_KHZ }

    private fun range(governor: File): LongRange? {
        val least = number(governor.resolve("scaling_min_freq")) ?: return null
        val most = number(governor.resolve("scaling_max_freq")) ?: return null
        return least..most
    }

    private fun number(file: File): Long? =
        try {
            file.readText().trim().toLongOrNull()
        } catch (_: IOException) {
            null
        } catch (_: SecurityException) {
            null
        }

    private companion object {
        val CORE = Regex("cpu[0-9]+")
        const val HZ_PER_KHZ = 1000
    }
}
