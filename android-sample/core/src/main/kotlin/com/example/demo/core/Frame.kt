package com.example.demo.core

/**
 * Reads a picture upright without turning it: upright pixel (x, y) lies at
 * `origin + x * strideX + y * strideY`.
 */
internal class Frame {
    var width = 0
        private set
    var height = 0
        private set
    var origin = 0
        private set
    var strideX = 0
        private set
    var strideY = 0
        private set

    /** [rotationDegrees]: how far to turn the stored picture clockwise to see it upright. */
    fun aim(
        storedWidth: Int,
        storedHeight: Int,
        rotationDegrees: Int,
    ) {
        val last = storedWidth * storedHeight - 1
        when (Math.floorMod(rotationDegrees, 360)) {
            0 -> set(storedWidth, storedHeight, 0, 1, storedWidth)
            90 -> set(storedHeight, storedWidth, last - storedWidth + 1, -storedWidth, 1)
            180 -> set(storedWidth, storedHeight, last, -1, -storedWidth)
            270 -> set(storedHeight, storedWidth, storedWidth - 1, storedWidth, -1)
            else -> throw IllegalArgumentException("$rotationDegrees degrees are no quarter turns")
        }
    }

    private fun set(
        width: Int,
        height: Int,
        origin: Int,
        strideX: Int,
        strideY: Int,
    ) {
        this.width = width
        this.height = height
        this.origin = origin
        this.strideX = strideX
        this.strideY = strideY
    }
}

/** A pixel over white, as the model was trained on pictures with transparent parts. */
internal fun overWhite(pixel: Int): Int {
    val alpha = pixel ushr 24
    if (alpha == 255) return pixel
    val red = blend(pixel ushr 16 and 255, alpha)
    val green = blend(pixel ushr 8 and 255, alpha)
    val blue = blend(pixel and 255, alpha)
    return (255 shl 24) or (red shl 16) or (green shl 8) or blue
}

private fun blend(
    level: Int,
    alpha: Int,
): Int = (level * alpha + 255 * (255 - alpha) + 127) / 255
