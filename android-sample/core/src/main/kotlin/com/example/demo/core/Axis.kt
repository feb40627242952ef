package com.example.demo.core

import kotlin.math.abs
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min

/** Weights are whole numbers of 1 / 2^PRECISION: 255 times a sum of them still fits an Int. */
internal const val PRECISION = 22
internal const val HALF = 1 shl (PRECISION - 1)

/** Along one side, each output pixel lies between two input pixels. */
internal class BilinearAxis(
    private val size: Int,
) {
    val first = IntArray(size)
    val second = IntArray(size)

    /** How much of the second pixel. */
    val share = DoubleArray(size)
    private var aimed = 0

    fun aim(side: Int) {
        if (side == aimed) return
        val scale = side.toDouble() / size
        for (i in 0 until size) {
            val place = (i + 0.5) * scale - 0.5
            val before = floor(place).toInt()
            first[i] = before.coerceIn(0, side - 1)
            second[i] = (before + 1).coerceIn(0, side - 1)
            share[i] = place - before
        }
        aimed = side
    }
}

/** Along one side, each output pixel is an average of the input pixels that it covers. */
internal class AveragingAxis(
    private val size: Int,
) {
    /** The first pixel of each average. */
    val start = IntArray(size)

    /** How many pixels it takes. */
    val count = IntArray(size)

    /** Pixel `k` of output pixel `i` weighs `weights[i * reach + k]`. */
    var weights = IntArray(0)
        private set
    var reach = 0
        private set

    fun aim(
        side: Int,
        from: Double,
        length: Double,
    ) {
        val scale = length / size
        val support = max(scale, 1.0)
        reach = 2 * support.toInt() + 3
        if (weights.size < size * reach) weights = IntArray(size * reach)
        for (i in 0 until size) {
            val centre = from + (i + 0.5) * scale
            val begin = max((centre - support + 0.5).toInt(), 0)
            val end = min((centre + support + 0.5).toInt(), side)
            start[i] = begin
            count[i] = end - begin
            var sum = 0.0
            for (pixel in begin until end) sum += weight(pixel, centre, support)
            for (pixel in begin until end) {
                val share = weight(pixel, centre, support) / sum
                weights[i * reach + pixel - begin] = (0.5 + share * (1 shl PRECISION)).toInt()
            }
        }
    }

    private fun weight(
        pixel: Int,
        centre: Double,
        support: Double,
    ): Double = max(0.0, 1 - abs(pixel + 0.5 - centre) / support)
}
