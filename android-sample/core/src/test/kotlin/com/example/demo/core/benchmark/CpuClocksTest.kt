package com.example.demo.core.benchmark

import java.io.File
import kotlin.io.path.createTempDirectory
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals

class CpuClocksTest {
    private val folder = createTempDirectory().toFile()

    @AfterTest
    fun clean() {
        folder.deleteRecursively()
    }

    private fun core(
        name: String,
        least: String?,
        most: String,
    ) {
        val governor = folder.resolve("$name/cpufreq").apply(File::mkdirs)
        least?.let { governor.resolve("scaling_min_freq").writeText(it) }
        governor.resolve("scaling_max_freq").writeText(most)
    }

    @Test
    fun `cores that all stand still are locked`() {
        core("cpu0", "1804800\n", "1804800\n")
        core("cpu12", "2400000\n", "2400000\n")
        folder.resolve("cpufreq").mkdirs()
        val clocks = CpuClocks(folder)
        assertEquals(true to 2_400_000_000, clocks.run { locked to maxHz })
        core("cpu1", "300000", "1804800")
        assertEquals(false, CpuClocks(folder).locked)
    }

    @Test
    fun `what can't be read isn't known`() {
        core("cpu0", null, "1804800")
        core("cpu1", "<unsupported>", "1804800")
        assertEquals(null to null, CpuClocks(folder).run { locked to maxHz })
        assertEquals(null, CpuClocks(folder.resolve("none")).locked)
    }
}
