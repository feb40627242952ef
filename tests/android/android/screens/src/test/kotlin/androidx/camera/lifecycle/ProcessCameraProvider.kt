@file:Suppress("UNUSED_PARAMETER")

package androidx.camera.lifecycle

import androidx.camera.core.Camera
import androidx.camera.core.CameraInfo
import androidx.camera.core.CameraSelector
import androidx.camera.core.CameraState
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.Preview
import androidx.camera.core.SurfaceRequest
import androidx.camera.core.UseCase
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.MutableLiveData
import com.google.common.util.concurrent.ListenableFuture

class ProcessCameraProvider private constructor() {
    fun bindToLifecycle(
        lifecycleOwner: LifecycleOwner,
        cameraSelector: CameraSelector,
        vararg useCases: UseCase?,
    ): Camera {
        failure?.let { throw it }
        val seen = checkNotNull(camera)
        boundPreview = useCases.filterIsInstance<Preview>().single()
        boundPreview?.provider?.onSurfaceRequested(SurfaceRequest(seen))
        bound = useCases.filterIsInstance<ImageAnalysis>().single()
        return object : Camera {
            override fun getCameraInfo() =
                object : CameraInfo {
                    override fun getCameraState() = state
                }
        }
    }

    fun unbind(vararg useCases: UseCase?) {
        if (bound in useCases) unbindAll()
    }

    fun unbindAll() {
        bound = null
        boundPreview = null
    }

    fun hasCamera(cameraSelector: CameraSelector): Boolean = camera != null || failure != null

    companion object {
        internal val instance = ProcessCameraProvider()

        /** Null on a device that has none. */
        @Volatile var camera: FakeCamera? = null

        /** What opening the camera throws. */
        @Volatile var failure: Exception? = null

        /** Changed by tests on the main thread. */
        var state = MutableLiveData<CameraState>()

        /** What the app uses now. */
        @Volatile var bound: ImageAnalysis? = null
            internal set

        /** What it shows meanwhile. */
        @Volatile var boundPreview: Preview? = null
            internal set

        /** One more frame, when somebody looks. */
        fun shoot() {
            bound?.let { camera?.shoot(it) }
        }

        @JvmStatic
        fun getInstance(
            context: android.content.Context,
        ): ListenableFuture<ProcessCameraProvider> = throw UnsupportedOperationException()
    }
}
