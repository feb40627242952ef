package com.example.demo.core

/** Fits a photo into the model's input: RGB levels, row by row. Not for two threads at once. */
internal interface Fitting {
    fun fit(
        argb: IntArray,
        frame: Frame,
        levels: ByteArray,
    )
}

/** [ResizeRule.STRETCH]. */
internal class StretchFitting(
    private val width: Int,
    private val height: Int,
) : Fitting {
    private val columns = BilinearAxis(width)
    private val rows = BilinearAxis(height)

    override fun fit(
        argb: IntArray,
        frame: Frame,
        levels: ByteArray,
    ) {
        columns.aim(frame.width)
        rows.aim(frame.height)
        var at = 0
        for (y in 0 until height) {
            val above = frame.origin + rows.first[y] * frame.strideY
            val below = frame.origin + rows.second[y] * frame.strideY
            val down = rows.share[y]
            for (x in 0 until width) {
                val left = columns.first[x] * frame.strideX
                val right = columns.second[x] * frame.strideX
                val across = columns.share[x]
                val a = overWhite(argb[above + left])
                val b = overWhite(argb[above + right])
                val c = overWhite(argb[below + left])
                val d = overWhite(argb[below + right])
                levels[at++] = between(a, b, c, d, 16, across, down)
                levels[at++] = between(a, b, c, d, 8, across, down)
                levels[at++] = between(a, b, c, d, 0, across, down)
            }
        }
    }

    private fun between(
        a: Int,
        b: Int,
        c: Int,
        d: Int,
        shift: Int,
        across: Double,
        down: Double,
    ): Byte {
        val aboveLeft = a ushr shift and 255
        val belowLeft = c ushr shift and 255
        val above = aboveLeft + ((b ushr shift and 255) - aboveLeft) * across
        val below = belowLeft + ((d ushr shift and 255) - belowLeft) * across
        return (above + (below - above) * down).toInt().toByte()
    }
}

/** [ResizeRule.CROP]. First along the rows, rounded to whole levels, then down. */
internal class CropFitting(
    private val width: Int,
    private val height: Int,
) : Fitting {
    private val columns = AveragingAxis(width)
    private val rows = AveragingAxis(height)
    private var narrowed = ByteArray(0)
    private var lastWidth = 0
    private var lastHeight = 0

    override fun fit(
        argb: IntArray,
        frame: Frame,
        levels: ByteArray,
    ) {
        if (frame.width != lastWidth || frame.height != lastHeight) {
            val region = middle(frame.width, frame.height, width, height)
            columns.aim(frame.width, region.left, region.width)
            rows.aim(frame.height, region.top, region.height)
            lastWidth = frame.width
            lastHeight = frame.height
        }
        val firstRow = rows.start[0]
        val rowCount = rows.start[height - 1] + rows.count[height - 1] - firstRow
        val rowBytes = width * 3
        if (narrowed.size < rowCount * rowBytes) narrowed = ByteArray(rowCount * rowBytes)
        narrow(argb, frame, firstRow, rowCount)
        var at = 0
        for (y in 0 until height) {
            val from = (rows.start[y] - firstRow) * rowBytes
            for (x in 0 until rowBytes) {
                var sum = HALF
                for (k in 0 until rows.count[y]) {
                    val level = narrowed[from + k * rowBytes + x].toInt() and 255
                    sum += level * rows.weights[y * rows.reach + k]
                }
                levels[at++] = (sum ushr PRECISION).toByte()
            }
        }
    }

    private fun narrow(
        argb: IntArray,
        frame: Frame,
        firstRow: Int,
        rowCount: Int,
    ) {
        var at = 0
        for (row in firstRow until firstRow + rowCount) {
            val rowOrigin = frame.origin + row * frame.strideY
            for (x in 0 until width) {
                var red = HALF
                var green = HALF
                var blue = HALF
                var from = rowOrigin + columns.start[x] * frame.strideX
                for (k in 0 until columns.count[x]) {
                    val pixel = overWhite(argb[from])
                    val weight = columns.weights[x * columns.reach + k]
                    red += (pixel ushr 16 and 255) * weight
                    green += (pixel ushr 8 and 255) * weight
                    blue += (pixel and 255) * weight
                    from += frame.strideX
                }
                narrowed[at++] = (red ushr PRECISION).toByte()
                narrowed[at++] = (green ushr PRECISION).toByte()
                narrowed[at++] = (blue ushr PRECISION).toByte()
            }
        }
    }
}
