package com.example.demo.core

import kotlin.test.Test
import kotlin.test.assertEquals

class RegionTest {
    @Test
    fun `stretching takes the whole photo`() {
        assertEquals(Region(0.0, 0.0, 640.0, 480.0), spec().region(640, 480))
    }

    @Test
    fun `cropping takes the middle of the shorter side`() {
        val square = spec(width = 4, height = 4, resize = ResizeRule.CROP)
        assertEquals(Region(110.0, 30.0, 420.0, 420.0), square.region(640, 480))
        assertEquals(Region(30.0, 110.0, 420.0, 420.0), square.region(480, 640))
    }

    @Test
    fun `cropping keeps the proportions of an oblong input`() {
        val wide = spec(width = 4, height = 2, resize = ResizeRule.CROP)
        assertEquals(Region(40.0, 100.0, 560.0, 280.0), wide.region(640, 480))
        assertEquals(Region(110.0, 15.0, 420.0, 210.0), wide.region(640, 240))
    }
}
