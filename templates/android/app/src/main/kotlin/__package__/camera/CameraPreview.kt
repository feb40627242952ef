package [[ package ]].camera

import android.graphics.Bitmap
import android.util.Size
import androidx.camera.compose.CameraXViewfinder
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.Preview
import androidx.camera.core.SurfaceRequest
import androidx.camera.core.resolutionselector.AspectRatioStrategy
import androidx.camera.core.resolutionselector.ResolutionSelector
import androidx.camera.core.resolutionselector.ResolutionStrategy
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.camera.lifecycle.awaitInstance
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberUpdatedState
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.layout.ContentScale
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.platform.LocalView
import androidx.lifecycle.compose.LocalLifecycleOwner
import java.util.concurrent.Executors
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.plus

/**
 * Shows what the camera sees, all of it, and hands its frames on.
 *
 * @param onFault gets what keeps the camera from being seen, and null when that is over.
 */
@Composable
internal fun CameraPreview(
    onFrame: suspend (frame: Bitmap, rotationDegrees: Int) -> Unit,
    onFault: (CameraFault?) -> Unit,
    modifier: Modifier = Modifier,
) {
    val context = LocalContext.current
    val view = LocalView.current
    val lifecycleOwner = LocalLifecycleOwner.current
    val currentOnFrame by rememberUpdatedState(onFrame)
    val currentOnFault by rememberUpdatedState(onFault)
    var surfaceRequest by remember { mutableStateOf<SurfaceRequest?>(null) }

    LaunchedEffect(lifecycleOwner) {
        try {
            val cameras = ProcessCameraProvider.awaitInstance(context)
            val selector = SELECTORS.firstOrNull { cameras.hasCamera(it) }
            if (selector == null) {
                currentOnFault(CameraFault.NoCamera)
                return@LaunchedEffect
            }
            val preview = Preview.Builder().setResolutionSelector(resolution(PREVIEW_SIZE)).build()
            preview.setSurfaceProvider { surfaceRequest = it }
            val analysis =
                ImageAnalysis
                    .Builder()
                    .setResolutionSelector(resolution(FRAME_SIZE))
                    .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
                    .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888)
                    .build()
            val thread = Executors.newSingleThreadExecutor { Thread(it, "camera-frames") }
            try {
                coroutineScope {
                    val frames =
                        CameraFrames(this + thread.asCoroutineDispatcher()) { frame, degrees ->
                            currentOnFrame(frame, degrees)
                        }
                    analysis.setAnalyzer(thread, frames)
                    val camera =
                        cameras.bindToLifecycle(lifecycleOwner, selector, preview, analysis)
                    launch {
                        camera.cameraInfo.cameraState
                            .faults(lifecycleOwner)
                            .collect { currentOnFault(it) }
                    }
                    launch {
                        view.displayRotations().collect {
                            preview.targetRotation = it
                            analysis.targetRotation = it
                        }
                    }
                }
            } finally {
                analysis.clearAnalyzer()
                cameras.unbind(preview, analysis)
                thread.shutdown()
            }
        } catch (e: CancellationException) {
            throw e
        } catch (e: Exception) {
            currentOnFault(CameraFault.Broken(e.message ?: e.toString()))
        }
    }

    surfaceRequest?.let {
        CameraXViewfinder(it, modifier, contentScale = ContentScale.Fit)
    }
}

private val SELECTORS =
    listOf(CameraSelector.DEFAULT_BACK_CAMERA, CameraSelector.DEFAULT_FRONT_CAMERA)
private val PREVIEW_SIZE = Size(1280, 960)

// More would be thrown away: models take some 224 to 300 pixels.
private val FRAME_SIZE = Size(640, 480)

/** Both in the same proportions, so that what is seen is what is classified. */
private fun resolution(size: Size): ResolutionSelector =
    ResolutionSelector
        .Builder()
        .setAspectRatioStrategy(AspectRatioStrategy.RATIO_4_3_FALLBACK_AUTO_STRATEGY)
        .setResolutionStrategy(
            ResolutionStrategy(size, ResolutionStrategy.FALLBACK_RULE_CLOSEST_HIGHER_THEN_LOWER),
        ).build()
