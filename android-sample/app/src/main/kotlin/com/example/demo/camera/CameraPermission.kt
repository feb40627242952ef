package com.example.demo.camera

import android.Manifest
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.provider.Settings
import androidx.activity.compose.LocalActivity
import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.res.stringResource
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LifecycleEventEffect
import com.example.demo.R
import com.example.demo.ui.Notice
import com.example.demo.ui.NoticeAction

/** Shows [content] where the camera may be used, and else asks for it and says why. */
@Composable
internal fun CameraPermission(
    onPickPhoto: () -> Unit,
    modifier: Modifier = Modifier,
    content: @Composable () -> Unit,
) {
    val context = LocalContext.current
    val activity = LocalActivity.current
    var granted by remember { mutableStateOf(context.mayUseCamera()) }
    // Android asks no more: only the settings can change it.
    var blocked by rememberSaveable { mutableStateOf(false) }
    val request =
        rememberLauncherForActivityResult(ActivityResultContracts.RequestPermission()) { allowed ->
            granted = allowed
            blocked = !allowed &&
                activity?.shouldShowRequestPermissionRationale(Manifest.permission.CAMERA) == false
        }
    LifecycleEventEffect(Lifecycle.Event.ON_RESUME) { granted = context.mayUseCamera() }

    val pickPhoto = NoticeAction(stringResource(R.string.pick_photo), onPickPhoto)
    when {
        granted -> {
            content()
        }

        blocked -> {
            val settings =
                NoticeAction(stringResource(R.string.open_settings)) { context.openAppSettings() }
            Notice(
                icon = R.drawable.ic_camera,
                title = stringResource(R.string.permission_blocked_title),
                text = stringResource(R.string.permission_blocked),
                modifier = modifier,
                actions = listOf(settings, pickPhoto),
            )
        }

        else -> {
            val allow =
                NoticeAction(stringResource(R.string.allow_camera)) {
                    request.launch(Manifest.permission.CAMERA)
                }
            Notice(
                icon = R.drawable.ic_camera,
                title = stringResource(R.string.permission_title),
                text = stringResource(R.string.permission_reason),
                modifier = modifier,
                actions = listOf(allow, pickPhoto),
            )
        }
    }
}

private fun Context.mayUseCamera() =
    checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

private fun Context.openAppSettings() {
    val settings = Uri.fromParts("package", packageName, null)
    startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, settings))
}
