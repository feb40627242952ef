package com.example.demo.core

import java.util.concurrent.CancellationException
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertSame
import kotlin.test.assertTrue

class EngineFallbackTest {
    private val npu = Request(Accelerator.NPU)
    private val gpu = Request(Accelerator.GPU)
    private val cpu = Request(Accelerator.CPU, threads = 4)

    @Test
    fun `the first that opens is taken and no other tried`() {
        val tried = mutableListOf<Request>()
        val opened =
            openFirst(listOf(gpu, cpu)) {
                tried += it
                FakeEngine(it.accelerator)
            }
        assertEquals(listOf(gpu), tried)
        assertEquals(gpu, opened.request)
        assertEquals(emptyList(), opened.refused)
    }

    @Test
    fun `says why those before it were refused`() {
        val opened =
            openFirst(listOf(npu, gpu, cpu)) {
                when (it.accelerator) {
                    Accelerator.NPU -> error("no compiler for this chip")
                    Accelerator.GPU -> throw NoClassDefFoundError("GpuDelegate")
                    Accelerator.CPU -> FakeEngine(Accelerator.CPU)
                }
            }
        assertEquals(cpu, opened.request)
        assertEquals(
            listOf(
                Refusal(npu, "no compiler for this chip"),
                Refusal(gpu, "NoClassDefFoundError: GpuDelegate"),
            ),
            opened.refused,
        )
    }

    @Test
    fun `an engine that runs elsewhere than asked is closed and refused`() {
        val silent = FakeEngine(Accelerator.CPU)
        val asked = FakeEngine(Accelerator.CPU)
        val opened = openFirst(listOf(gpu, cpu)) { if (it == gpu) silent else asked }
        assertTrue(silent.closed)
        assertSame(asked, opened.engine)
        assertContains(opened.refused.single().reason, "CPU instead")
    }

    @Test
    fun `lists all reasons when none opens`() {
        val error =
            assertFailsWith<EngineException> {
                openFirst(listOf(gpu, cpu)) { error("no ${it.accelerator} here") }
            }
        assertContains(error.message.orEmpty(), "GPU: no GPU here; CPU: no CPU here")
        assertEquals("no GPU here", error.cause?.message)
        assertEquals("no CPU here", error.suppressed.single().message)
    }

    @Test
    fun `a cancelled opening is not a refusal`() {
        assertFailsWith<CancellationException> {
            openFirst(listOf(gpu, cpu)) { throw CancellationException() }
        }
    }

    @Test
    fun `refuses to be asked for nothing`() {
        assertFailsWith<IllegalArgumentException> { openFirst(emptyList()) { FakeEngine() } }
        assertFailsWith<IllegalArgumentException> { Request(Accelerator.CPU, threads = 0) }
    }
}
