package com.example.demo.core

import java.nio.ByteBuffer

/**
 * From a photo's pixels to the model's input.
 *
 * Everything it needs is kept from call to call; not for two threads at once.
 */
class Preprocessor(
    private val spec: ModelSpec,
) {
    private val frame = Frame()
    private val fitting =
        when (spec.resize) {
            ResizeRule.STRETCH -> StretchFitting(spec.inputWidth, spec.inputHeight)
            ResizeRule.CROP -> CropFitting(spec.inputWidth, spec.inputHeight)
        }
    private val levels = ByteArray(spec.input.elementCount)
    private val encoder = InputEncoder(spec)

    /**
     * Fills [target] from its beginning and leaves it at its beginning.
     *
     * @param argb row by row, not premultiplied, as `Bitmap.getPixels` gives them.
     * @param rotationDegrees how far to turn the photo clockwise to see it upright.
     * @param target in native byte order, with room for the input.
     */
    fun run(
        argb: IntArray,
        width: Int,
        height: Int,
        rotationDegrees: Int,
        target: ByteBuffer,
    ) {
        require(width > 0 && height > 0 && width.toLong() * height <= argb.size) {
            "${argb.size} pixels are not a photo of $width x $height"
        }
        require(target.capacity() >= spec.input.byteCount) {
            "the input buffer has ${target.capacity()} bytes, the model takes ${spec.input.byteCount}"
        }
        frame.aim(width, height, rotationDegrees)
        fitting.fit(argb, frame, levels)
        encoder.encode(levels, target)
    }
}
