// androidx.camera.lifecycle.ProcessCameraProvider of androidx.camera:camera-lifecycle:1.6.2: what the app uses of it.

@file:Suppress("UNUSED_PARAMETER")

package androidx.camera.lifecycle

import android.content.Context
import androidx.camera.core.Camera
import androidx.camera.core.CameraInfoUnavailableException
import androidx.camera.core.CameraSelector
import androidx.camera.core.UseCase
import androidx.lifecycle.LifecycleOwner
import com.google.common.util.concurrent.ListenableFuture

class ProcessCameraProvider private constructor() {
    fun bindToLifecycle(
        lifecycleOwner: LifecycleOwner,
        cameraSelector: CameraSelector,
        vararg useCases: UseCase?,
    ): Camera = throw UnsupportedOperationException()

    fun unbind(vararg useCases: UseCase?): Unit = throw UnsupportedOperationException()

    fun unbindAll(): Unit = throw UnsupportedOperationException()

    @Throws(CameraInfoUnavailableException::class)
    fun hasCamera(cameraSelector: CameraSelector): Boolean = throw UnsupportedOperationException()

    companion object {
        @JvmStatic
        fun getInstance(context: Context): ListenableFuture<ProcessCameraProvider> =
            throw UnsupportedOperationException()
    }
}
