package [[ package ]].ui

import android.graphics.Bitmap
import androidx.compose.foundation.Image
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.asImageBitmap
import androidx.compose.ui.layout.ContentScale
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import [[ package ]].ClassifierViewModel
import [[ package ]].PictureState
import [[ package ]].R
import [[ package ]].camera.CameraFault
import [[ package ]].camera.CameraPermission
import [[ package ]].camera.CameraPreview

/** What is classified: the camera's view, or the photo. */
@Composable
internal fun Picture(
    picture: PictureState,
    model: ClassifierViewModel,
    modifier: Modifier = Modifier,
) {
    Box(modifier, contentAlignment = Alignment.Center) {
        when (picture) {
            PictureState.Camera -> {
                CameraPermission { CameraView(model::classifyFrame) }
            }

            PictureState.OpeningPhoto -> {
                Waiting(stringResource(R.string.loading_photo))
            }

            is PictureState.Photo -> {
                Photo(picture.bitmap)
            }

            PictureState.PhotoFailed -> {
                Notice(
                    title = stringResource(R.string.photo_failed_title),
                    text = stringResource(R.string.photo_failed),
                )
            }
        }
    }
}

@Composable
private fun Photo(bitmap: Bitmap) {
    Image(
        bitmap = remember(bitmap) { bitmap.asImageBitmap() },
        contentDescription = stringResource(R.string.photo_description),
        modifier = Modifier.fillMaxSize(),
        contentScale = ContentScale.Fit,
    )
}

@Composable
private fun CameraView(onFrame: suspend (frame: Bitmap, rotationDegrees: Int) -> Unit) {
    val description = stringResource(R.string.camera_description)
    var fault by remember { mutableStateOf<CameraFault?>(null) }
    val seen = fault
    if (seen == null || seen.passes) {
        CameraPreview(
            onFrame = onFrame,
            onFault = { fault = it },
            modifier = Modifier.fillMaxSize().semantics { contentDescription = description },
        )
    }
    if (seen != null) {
        Notice(
            title = stringResource(R.string.camera_failed_title),
            text = sentence(seen),
            action = if (seen.passes) null else stringResource(R.string.try_again),
            onAction = { fault = null },
        )
    }
}

@Composable
private fun sentence(fault: CameraFault): String =
    when (fault) {
        CameraFault.NoCamera -> stringResource(R.string.no_camera)
        CameraFault.InUse -> stringResource(R.string.camera_in_use)
        CameraFault.Forbidden -> stringResource(R.string.camera_forbidden)
        CameraFault.DoNotDisturb -> stringResource(R.string.camera_do_not_disturb)
        is CameraFault.Broken -> fault.reason ?: stringResource(R.string.camera_broken)
    }
