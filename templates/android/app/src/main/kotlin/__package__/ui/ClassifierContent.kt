package [[ package ]].ui

import android.content.res.Configuration
import android.graphics.Bitmap
import androidx.compose.foundation.Image
import androidx.compose.foundation.layout.aspectRatio
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.material3.MaterialTheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.asImageBitmap
import androidx.compose.ui.platform.LocalConfiguration
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import [[ package ]].ClassifierState
import [[ package ]].ClassifierViewModel
import [[ package ]].PictureState
import [[ package ]].R
import [[ package ]].camera.CameraFault
import [[ package ]].camera.CameraPermission
import [[ package ]].camera.CameraPreview

/** What is classified, with the results; or on all of the screen what is in the way of it. */
@Composable
internal fun ClassifierContent(
    state: ClassifierState,
    model: ClassifierViewModel,
    onPickPhoto: () -> Unit,
    modifier: Modifier = Modifier,
) {
    when (val picture = state.picture) {
        PictureState.Camera -> {
            CameraPermission(onPickPhoto, modifier) {
                Camera(state, model, onPickPhoto, modifier)
            }
        }

        PictureState.OpeningPhoto -> {
            Waiting(stringResource(R.string.loading_photo), modifier)
        }

        is PictureState.Photo -> {
            Panes({ Photo(picture.bitmap) }, { Results(state, it) }, modifier)
        }

        PictureState.PhotoFailed -> {
            Notice(
                icon = R.drawable.ic_photo,
                title = stringResource(R.string.photo_failed_title),
                text = stringResource(R.string.photo_failed),
                modifier = modifier,
                actions = listOf(NoticeAction(stringResource(R.string.pick_photo), onPickPhoto)),
            )
        }
    }
}

@Composable
private fun Photo(bitmap: Bitmap) {
    Image(
        bitmap = remember(bitmap) { bitmap.asImageBitmap() },
        contentDescription = stringResource(R.string.photo_description),
        modifier =
            Modifier
                .aspectRatio(bitmap.width.toFloat() / bitmap.height)
                .clip(MaterialTheme.shapes.large),
    )
}

@Composable
private fun Camera(
    state: ClassifierState,
    model: ClassifierViewModel,
    onPickPhoto: () -> Unit,
    modifier: Modifier,
) {
    var fault by remember { mutableStateOf<CameraFault?>(null) }
    val seen = fault
    // The camera is needed to find out when a fault has passed.
    if (seen == null || seen.passes) {
        Panes(
            picture = { Viewfinder(model::classifyFrame, onFault = { fault = it }) },
            results = { if (seen == null) Results(state, it) },
            modifier = modifier,
        )
    }
    if (seen != null) {
        val pick = NoticeAction(stringResource(R.string.pick_photo), onPickPhoto)
        val again = NoticeAction(stringResource(R.string.try_again)) { fault = null }
        Notice(
            icon = R.drawable.ic_camera,
            title = stringResource(R.string.camera_failed_title),
            text = sentence(seen),
            modifier = modifier,
            actions = if (seen.canBeTriedAgain) listOf(again, pick) else listOf(pick),
        )
    }
}

/** The others pass by themselves, or not at all. */
private val CameraFault.canBeTriedAgain
    get() = this is CameraFault.Broken || this == CameraFault.DoNotDisturb

@Composable
private fun sentence(fault: CameraFault): String =
    when (fault) {
        CameraFault.NoCamera -> stringResource(R.string.no_camera)
        CameraFault.InUse -> stringResource(R.string.camera_in_use)
        CameraFault.Forbidden -> stringResource(R.string.camera_forbidden)
        CameraFault.DoNotDisturb -> stringResource(R.string.camera_do_not_disturb)
        is CameraFault.Broken -> fault.reason ?: stringResource(R.string.camera_broken)
    }

@Composable
private fun Viewfinder(
    onFrame: suspend (frame: Bitmap, rotationDegrees: Int) -> Unit,
    onFault: (CameraFault?) -> Unit,
) {
    val description = stringResource(R.string.camera_description)
    // Cameras lie as the phone is held.
    val landscape = LocalConfiguration.current.orientation == Configuration.ORIENTATION_LANDSCAPE
    CameraPreview(
        onFrame = onFrame,
        onFault = onFault,
        modifier =
            Modifier
                .aspectRatio(if (landscape) 4f / 3 else 3f / 4)
                .clip(MaterialTheme.shapes.large)
                .fillMaxSize()
                .semantics { contentDescription = description },
    )
}
