package androidx.camera.core

import android.graphics.Rect
import androidx.lifecycle.LiveData
import java.nio.ByteBuffer

// What the stubs declare.

interface Camera {
    fun getCameraInfo(): CameraInfo
}

interface CameraInfo {
    fun getCameraState(): LiveData<CameraState>
}

interface ExtendableBuilder<T> {
    fun build(): T
}

interface ImageInfo {
    fun getRotationDegrees(): Int

    fun getTimestamp(): Long
}

interface ImageProxy : AutoCloseable {
    override fun close()

    fun getCropRect(): Rect

    fun getFormat(): Int

    fun getHeight(): Int

    fun getWidth(): Int

    fun getPlanes(): Array<PlaneProxy>

    fun getImageInfo(): ImageInfo

    interface PlaneProxy {
        fun getRowStride(): Int

        fun getPixelStride(): Int

        fun getBuffer(): ByteBuffer
    }
}
