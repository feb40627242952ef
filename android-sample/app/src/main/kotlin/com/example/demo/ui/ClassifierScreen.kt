package com.example.demo.ui

import androidx.activity.compose.BackHandler
import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.Scaffold
import androidx.compose.material3.Text
import androidx.compose.material3.TopAppBar
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextOverflow
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import com.example.demo.ClassifierViewModel
import com.example.demo.ModelState
import com.example.demo.PictureState
import com.example.demo.R

/** The camera or a photo, and what the model says of it. */
@Composable
fun ClassifierScreen(
    model: ClassifierViewModel,
    onShowBenchmark: () -> Unit,
) {
    val state by model.state.collectAsStateWithLifecycle()
    var settingsShown by rememberSaveable { mutableStateOf(false) }
    val picker =
        rememberLauncherForActivityResult(PickVisualMedia()) { photo ->
            if (photo != null) model.showPhoto(photo)
        }
    val pickPhoto = { picker.launch(PickVisualMediaRequest(PickVisualMedia.ImageOnly)) }

    val photoShown = state.picture != PictureState.Camera
    BackHandler(enabled = photoShown, onBack = model::showCamera)

    Scaffold(
        topBar = {
            TopBar(
                photoShown = photoShown,
                onPickPhoto = pickPhoto,
                onShowCamera = model::showCamera,
                onShowBenchmark = onShowBenchmark,
                onShowSettings = { settingsShown = true },
            )
        },
        contentWindowInsets = WindowInsets.safeDrawing,
    ) { bars ->
        val modifier = Modifier.fillMaxSize().padding(bars)
        when (val opened = state.model) {
            is ModelState.Failed -> ModelFailed(opened.reason, model::openAgain, modifier)
            else -> ClassifierContent(state, model, pickPhoto, modifier)
        }
    }

    if (settingsShown) {
        EngineSheet(
            choice = state.choice,
            model = state.model,
            onChoose = model::choose,
            onDismiss = { settingsShown = false },
        )
    }
}

@Composable
private fun ModelFailed(
    reason: String,
    onTryAgain: () -> Unit,
    modifier: Modifier,
) {
    Notice(
        icon = R.drawable.ic_problem,
        title = stringResource(R.string.model_failed_title),
        text = reason,
        modifier = modifier,
        actions = listOf(NoticeAction(stringResource(R.string.try_again), onTryAgain)),
    )
}

@OptIn(ExperimentalMaterial3Api::class)
@Composable
private fun TopBar(
    photoShown: Boolean,
    onPickPhoto: () -> Unit,
    onShowCamera: () -> Unit,
    onShowBenchmark: () -> Unit,
    onShowSettings: () -> Unit,
) {
    TopAppBar(
        title = {
            Text(
                stringResource(R.string.app_name),
                modifier = Modifier.semantics { heading() },
                maxLines = 1,
                overflow = TextOverflow.Ellipsis,
            )
        },
        actions = {
            if (photoShown) {
                Action(R.drawable.ic_camera, R.string.show_camera, onShowCamera)
            }
            Action(R.drawable.ic_photo, R.string.pick_photo, onPickPhoto)
            Action(R.drawable.ic_timer, R.string.benchmark, onShowBenchmark)
            Action(R.drawable.ic_tune, R.string.engine_settings, onShowSettings)
        },
    )
}

@Composable
private fun Action(
    icon: Int,
    description: Int,
    onClick: () -> Unit,
) {
    IconButton(onClick = onClick) {
        Icon(painterResource(icon), contentDescription = stringResource(description))
    }
}
