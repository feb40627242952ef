package com.example.demo.core.benchmark

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import com.example.demo.core.Accelerator
import com.example.demo.core.Request

class BenchmarkPlanTest {
    private fun plan(requests: List<Request>) =
        BenchmarkPlan(listOf("a", "b").map { name -> model(name) { error(name) } }, requests)

    @Test
    fun `each model meets each request`() {
        val names = plan(BenchmarkPlan.DEFAULT_REQUESTS).combinations.map { it.testName }
        val expected =
            listOf("a", "b").flatMap { model ->
                listOf("CPU,1", "CPU,2", "CPU,4", "GPU", "NPU").map { "classify[$model,$it]" }
            }
        assertEquals(expected, names)
        assertEquals("a, CPU, 1", plan(BenchmarkPlan.DEFAULT_REQUESTS).combinations[0].title)
    }

    @Test
    fun `requests are read from lists`() {
        assertEquals(
            listOf(
                Request(Accelerator.GPU),
                Request(Accelerator.CPU, 8),
                Request(Accelerator.CPU, 1),
            ),
            BenchmarkPlan.requests("gpu, CPU,gpu", "8,1"),
        )
        assertEquals(listOf(Request(Accelerator.NPU)), BenchmarkPlan.requests("NPU", null))
    }

    @Test
    fun `what can't be read is named`() {
        for ((accelerators, threads, message) in listOf(
            Triple("TPU", null, "accelerators: \"TPU\" is not CPU, GPU or NPU"),
            Triple(null, "1,two", "threads: \"two\" is not a number"),
            Triple(null, "0", "threads is 0, not at least 1"),
        )) {
            val error =
                assertFailsWith<IllegalArgumentException> {
                    BenchmarkPlan.requests(accelerators, threads)
                }
            assertEquals(message, error.message)
        }
        val empty = assertFailsWith<IllegalArgumentException> { plan(emptyList()) }
        assertTrue("nothing to measure" in empty.message.orEmpty())
        assertFailsWith<IllegalArgumentException> { BenchmarkLimits(runs = 0) }
    }
}
