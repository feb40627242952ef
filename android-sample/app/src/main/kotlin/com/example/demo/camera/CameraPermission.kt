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

/** Shows [content] where the camera may be used, and else asks for it and says why. */
@Composable
internal fun CameraPermission(
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

    when {
        granted -> {
            content()
        }

        blocked -> {
            Notice(
                title = stringResource(R.string.permission_title),
                text = stringResource(R.string.permission_blocked),
                action = stringResource(R.string.open_settings),
                onAction = { context.openAppSettings() },
                modifier = modifier,
            )
        }

        else -> {
            Notice(
                title = stringResource(R.string.permission_title),
                text = stringResource(R.string.permission_reason),
                action = stringResource(R.string.allow_camera),
                onAction = { request.launch(Manifest.permission.CAMERA) },
                modifier = modifier,
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
