package com.example.demo.core

/** A part of the upright photo, in pixels that needn't be whole. */
data class Region(
    val left: Double,
    val top: Double,
    val width: Double,
    val height: Double,
)

private const val CROP = 0.875

/** What the model sees of an upright photo of this size. */
fun ModelSpec.region(
    width: Int,
    height: Int,
): Region =
    when (resize) {
        ResizeRule.STRETCH -> Region(0.0, 0.0, width.toDouble(), height.toDouble())
        ResizeRule.CROP -> middle(width, height, inputWidth, inputHeight)
    }

/** The largest region with the input's proportions, 0.875 of it; a square for a square input. */
internal fun middle(
    width: Int,
    height: Int,
    inputWidth: Int,
    inputHeight: Int,
): Region {
    val byWidth = width.toLong() * inputHeight <= height.toLong() * inputWidth
    val across = if (byWidth) CROP * width else CROP * height * inputWidth / inputHeight
    val down = if (byWidth) CROP * width * inputHeight / inputWidth else CROP * height
    return Region((width - across) / 2, (height - down) / 2, across, down)
}
