package com.example.demo.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class PreprocessorTest {
    // 0 1 2
    // 3 4 5
    private val photo = IntArray(6) { gray(it * 10) }

    @Test
    fun `a photo of the input's size is taken as it is, in any rotation`() {
        val upright =
            mapOf(
                0 to listOf(0, 10, 20, 30, 40, 50),
                90 to listOf(30, 0, 40, 10, 50, 20),
                180 to listOf(50, 40, 30, 20, 10, 0),
                270 to listOf(20, 50, 10, 40, 0, 30),
            )
        for ((degrees, levels) in upright) {
            val turned = degrees % 180 != 0
            val spec = spec(width = if (turned) 2 else 3, height = if (turned) 3 else 2)
            for (same in listOf(degrees, degrees - 360, degrees + 720)) {
                assertEquals(levels, fitted(spec, photo, 3, 2, same), "$same degrees")
            }
        }
    }

    @Test
    fun `stretching samples between the pixels`() {
        val spec = spec(width = 4, height = 1)
        val two = intArrayOf(gray(0), gray(100))
        assertEquals(listOf(0, 25, 75, 100), fitted(spec, two, 2, 1, 0))
    }

    @Test
    fun `cropping averages all that a pixel covers`() {
        // Of 16 x 16 the middle 14 x 14; black on the left, white on the right of its middle.
        val halves = IntArray(256) { gray(if (it % 16 < 8) 0 else 255) }
        val spec = spec(width = 2, height = 2, resize = ResizeRule.CROP)
        val levels = fitted(spec, halves, 16, 16, 0)
        assertEquals(255, levels[0] + levels[1])
        assertEquals(levels.take(2), levels.drop(2))
        // Of the white columns, three reach into the first average, with 6/46 of the weight.
        assertEquals(33, levels[0])
    }

    @Test
    fun `a photo of one colour stays so, however it is resized`() {
        for (resize in ResizeRule.entries) {
            for ((width, height) in listOf(1 to 1, 1 to 9, 7 to 3, 301 to 5)) {
                val spec = spec(width = 5, height = 5, resize = resize)
                val levels = fitted(spec, IntArray(width * height) { gray(77) }, width, height, 90)
                assertEquals(List(25) { 77 }, levels, "$resize of $width x $height")
            }
        }
    }

    @Test
    fun `a smaller photo after a larger one leaves nothing of it`() {
        for (resize in ResizeRule.entries) {
            val spec = spec(width = 3, height = 3, resize = resize)
            val kept = Preprocessor(spec)
            val target = nativeBuffer(spec.input.byteCount)
            for ((width, height) in listOf(20 to 30, 5 to 4, 4 to 5, 20 to 30)) {
                val pixels = IntArray(width * height) { gray(it * 7 % 256) }
                kept.run(pixels, width, height, 0, target)
                assertEquals(fitted(spec, pixels, width, height, 0), reds(target, 9))
            }
        }
    }

    @Test
    fun `normalises each channel`() {
        val spec = spec(1, 1, mean = listOf(127f, 0f, 1f), std = listOf(128f, 2f, 1f))
        val target = nativeBuffer(12)
        Preprocessor(spec).run(intArrayOf(0xFFFF8003.toInt()), 1, 1, 0, target)
        val floats = FloatArray(3).also { target.asFloatBuffer().get(it) }
        assertContentEquals(floatArrayOf(1f, 64f, 2f), floats)
    }

    @Test
    fun `quantizes for an int8 model and clips`() {
        val narrow = spec(1, 1, TensorType.INT8, scale = 0.5f, zeroPoint = 0)
        val wide = narrow.copy(input = narrow.input.copy(scale = 1 / 128f, zeroPoint = -1))
        val spec = wide.copy(mean = listOf(127f), std = listOf(128f))
        assertEquals(listOf(-128, -1, 127), bytes(spec, 0xFF007FFF.toInt()))
        assertEquals(listOf(0, 127, 127), bytes(narrow, 0xFF0080FF.toInt()))
    }

    @Test
    fun `halves are rounded to the even integer`() {
        val spec = spec(1, 1, TensorType.INT8, scale = 2f, zeroPoint = 0)
        assertEquals(listOf(0, 2, 2), bytes(spec, 0xFF010305.toInt()))
    }

    @Test
    fun `a uint8 model takes the levels as they are`() {
        val spec = spec(1, 1, TensorType.UINT8, listOf(127f), listOf(128f))
        assertEquals(listOf(0, 127, -1), bytes(spec, 0xFF007FFF.toInt()))
    }

    @Test
    fun `transparent becomes white`() {
        assertEquals(listOf(-1, -1, -1), bytes(spec(1, 1, TensorType.UINT8), 0x00123456))
        assertEquals(listOf(127, 127, 127), bytes(spec(1, 1, TensorType.UINT8), 0x80000000.toInt()))
    }

    @Test
    fun `refuses what is not a photo or no room for it`() {
        val preprocessor = Preprocessor(spec())
        val target = nativeBuffer(4 * 2 * 3 * 4)
        for ((width, height) in listOf(0 to 2, 3 to -1, 3 to 3, 65536 to 65536)) {
            assertFailsWith<IllegalArgumentException> {
                preprocessor.run(photo, width, height, 0, target)
            }
        }
        assertFailsWith<IllegalArgumentException> { preprocessor.run(photo, 3, 2, 45, target) }
        assertFailsWith<IllegalArgumentException> {
            preprocessor.run(photo, 3, 2, 0, nativeBuffer(10))
        }
        val other = if (target.order() == ByteOrder.BIG_ENDIAN) "LITTLE" else "BIG"
        val order = if (other == "BIG") ByteOrder.BIG_ENDIAN else ByteOrder.LITTLE_ENDIAN
        assertFailsWith<IllegalArgumentException> {
            preprocessor.run(photo, 3, 2, 0, ByteBuffer.allocate(96).order(order))
        }
    }

    private fun fitted(
        spec: ModelSpec,
        argb: IntArray,
        width: Int,
        height: Int,
        degrees: Int,
    ): List<Int> {
        val target = nativeBuffer(spec.input.byteCount)
        Preprocessor(spec).run(argb, width, height, degrees, target)
        return reds(target, spec.inputWidth * spec.inputHeight)
    }

    private fun reds(
        target: ByteBuffer,
        count: Int,
    ): List<Int> = List(count) { target.getFloat(it * 12).toInt() }

    private fun bytes(
        spec: ModelSpec,
        pixel: Int,
    ): List<Int> {
        val target = nativeBuffer(3)
        Preprocessor(spec).run(intArrayOf(pixel), 1, 1, 0, target)
        return List(3) { target.get(it).toInt() }
    }
}
