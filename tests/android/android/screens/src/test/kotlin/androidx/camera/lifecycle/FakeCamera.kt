package androidx.camera.lifecycle

import android.graphics.Bitmap
import android.graphics.Matrix
import android.graphics.Rect
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageInfo
import androidx.camera.core.ImageProxy
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicInteger

/**
 * A camera that sees one picture, and gives it as frames: RGBA, with padded rows.
 *
 * @property seen upright.
 * @property rotationDegrees how far its frames have to be turned clockwise to be upright.
 * @property padding bytes at the end of each row.
 */
class FakeCamera(
    val seen: Bitmap,
    private val rotationDegrees: Int = 0,
    private val padding: Int = 0,
) {
    private val frame: Bitmap =
        Bitmap.createBitmap(
            seen,
            0,
            0,
            seen.width,
            seen.height,
            Matrix().apply { postRotate(-rotationDegrees.toFloat()) },
            true,
        )
    private val unclosed = AtomicInteger()

    /** How many frames there were, and how many the app never got. */
    val sent = AtomicInteger()
    val dropped = AtomicInteger()

    /** As the camera does some thirty times a second, whether the last one is done with or not. */
    fun shoot(analysis: ImageAnalysis) {
        sent.incrementAndGet()
        val executor = analysis.executor ?: return
        if (!unclosed.compareAndSet(0, 1)) {
            dropped.incrementAndGet()
            return
        }
        executor.execute {
            val analyzer = analysis.analyzer
            if (analyzer == null) unclosed.set(0) else analyzer.analyze(Frame())
        }
    }

    private inner class Frame : ImageProxy {
        private val rowStride = frame.width * RGBA_BYTES + padding
        private val pixels = ByteBuffer.allocateDirect(rowStride * frame.height)

        init {
            val tight = ByteBuffer.allocate(frame.width * RGBA_BYTES * frame.height)
            frame.copyPixelsToBuffer(tight)
            for (row in 0 until frame.height) {
                pixels.position(row * rowStride)
                pixels.put(tight.array(), row * frame.width * RGBA_BYTES, frame.width * RGBA_BYTES)
            }
            pixels.rewind()
        }

        override fun close() {
            check(unclosed.compareAndSet(1, 0)) { "a frame is closed twice" }
        }

        override fun getCropRect() = Rect(0, 0, frame.width, frame.height)

        override fun getFormat() = ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888

        override fun getHeight() = frame.height

        override fun getWidth() = frame.width

        override fun getImageInfo() =
            object : ImageInfo {
                override fun getRotationDegrees() = this@FakeCamera.rotationDegrees

                override fun getTimestamp() = System.nanoTime()
            }

        override fun getPlanes(): Array<ImageProxy.PlaneProxy> =
            arrayOf(
                object : ImageProxy.PlaneProxy {
                    override fun getRowStride() = this@Frame.rowStride

                    override fun getPixelStride() = RGBA_BYTES

                    override fun getBuffer() = pixels
                },
            )
    }

    private companion object {
        const val RGBA_BYTES = 4
    }
}
