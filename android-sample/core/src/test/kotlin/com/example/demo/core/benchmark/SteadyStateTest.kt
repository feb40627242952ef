package com.example.demo.core.benchmark

import kotlin.test.Test
import kotlin.test.assertEquals

class SteadyStateTest {
    private fun steadyAfter(times: List<Long>): Int? {
        val state = SteadyState(window = 10, tolerance = 0.03)
        return times.indexOfFirst(state::add).takeIf { it >= 0 }?.plus(1)
    }

    @Test
    fun `two windows are needed`() {
        assertEquals(20, steadyAfter(List(30) { 1000L }))
        assertEquals(null, steadyAfter(List(19) { 1000L }))
    }

    @Test
    fun `a slow start is waited out`() {
        // Of the ten before, fewer than half may still be slow.
        assertEquals(26, steadyAfter(List(10) { 5000L } + List(30) { 1000L }))
    }

    @Test
    fun `three per cent are too much`() {
        assertEquals(null, steadyAfter(List(10) { 1000L } + List(10) { 1030L }))
        assertEquals(20, steadyAfter(List(10) { 1000L } + List(10) { 1029L }))
        assertEquals(null, steadyAfter(List(10) { 1000L } + List(10) { 970L }))
        assertEquals(20, steadyAfter(List(10) { 1000L } + List(10) { 971L }))
    }

    @Test
    fun `single runs out of line don't matter`() {
        assertEquals(20, steadyAfter(List(20) { if (it % 5 == 0) 90_000L else 1000L + it % 3 }))
    }
}
