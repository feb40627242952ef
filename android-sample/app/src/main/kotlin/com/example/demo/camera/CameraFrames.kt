package com.example.demo.camera

import android.graphics.Bitmap
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import java.nio.ByteBuffer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch

/**
 * Hands camera frames on, one at a time, in a bitmap that is drawn over for the next one.
 *
 * CameraX sends no other frame before the last one is closed, and then the newest.
 *
 * @param scope where frames are copied and handed on, off the main thread; it gets what goes wrong.
 */
internal class CameraFrames(
    private val scope: CoroutineScope,
    private val onFrame: suspend (frame: Bitmap, rotationDegrees: Int) -> Unit,
) : ImageAnalysis.Analyzer {
    private var bitmap: Bitmap? = null
    private var rows = ByteBuffer.allocateDirect(0)

    override fun analyze(image: ImageProxy) {
        scope
            .launch { onFrame(image.copied(), image.imageInfo.rotationDegrees) }
            // Also when the scope was cancelled before it began.
            .invokeOnCompletion { image.close() }
    }

    private fun ImageProxy.copied(): Bitmap {
        val frame =
            bitmap?.takeIf { it.width == width && it.height == height }
                ?: Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888).also { bitmap = it }
        val plane = planes.single()
        frame.copyPixelsFromBuffer(packed(plane.buffer, plane.rowStride, width, height))
        return frame
    }

    /** RGBA without the bytes that some cameras put at the end of each row. */
    private fun packed(
        pixels: ByteBuffer,
        rowStride: Int,
        width: Int,
        height: Int,
    ): ByteBuffer {
        pixels.rewind()
        val rowBytes = width * RGBA_BYTES
        if (rowStride == rowBytes) return pixels
        if (rows.capacity() != rowBytes * height) {
            rows = ByteBuffer.allocateDirect(rowBytes * height)
        }
        rows.clear()
        for (row in 0 until height) {
            pixels.limit(row * rowStride + rowBytes)
            pixels.position(row * rowStride)
            rows.put(pixels)
        }
        rows.rewind()
        return rows
    }

    private companion object {
        const val RGBA_BYTES = 4
    }
}
