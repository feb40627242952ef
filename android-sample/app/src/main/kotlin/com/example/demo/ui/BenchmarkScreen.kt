package com.example.demo.ui

import androidx.activity.compose.BackHandler
import androidx.activity.compose.LocalActivity
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Scaffold
import androidx.compose.material3.Text
import androidx.compose.material3.TopAppBar
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.platform.LocalView
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LifecycleEventEffect
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import com.example.demo.BenchmarkState
import com.example.demo.BenchmarkViewModel
import com.example.demo.R
import com.example.demo.core.benchmark.BenchmarkProgress
import com.example.demo.core.benchmark.BenchmarkStep
import com.example.demo.share.shareResults

/** Measures the model on this phone, for people without a cable. */
@OptIn(ExperimentalMaterial3Api::class)
@Composable
fun BenchmarkScreen(
    model: BenchmarkViewModel,
    onLeave: () -> Unit,
) {
    val state by model.state.collectAsStateWithLifecycle()
    val context = LocalContext.current
    val activity = LocalActivity.current
    val leave = {
        model.stop("the screen was left")
        onLeave()
    }
    BackHandler(onBack = leave)
    // In the background it would run on the slow cores. Turning the phone is no reason to stop.
    LifecycleEventEffect(Lifecycle.Event.ON_STOP) {
        if (activity?.isChangingConfigurations != true) model.stop("the app was left")
    }
    KeepScreenOn(state.running)

    Scaffold(
        topBar = {
            TopAppBar(
                title = { Text(stringResource(R.string.benchmark)) },
                navigationIcon = {
                    IconButton(onClick = leave) {
                        Icon(
                            painterResource(R.drawable.ic_back),
                            contentDescription = stringResource(R.string.back),
                        )
                    }
                },
            )
        },
        contentWindowInsets = WindowInsets.safeDrawing,
    ) { bars ->
        Column(
            Modifier
                .fillMaxSize()
                .padding(bars)
                .verticalScroll(rememberScrollState())
                .padding(16.dp),
            verticalArrangement = Arrangement.spacedBy(16.dp),
        ) {
            if (state.running) {
                Running(state.progress, onStop = { model.stop("it was stopped") })
            } else {
                Settings(state, onChoose = model::choose, onStart = model::start)
            }
            state.failure?.let { Text(it, color = MaterialTheme.colorScheme.error) }
            state.report?.let { report ->
                BenchmarkTable(report)
                if (!state.running) {
                    Button(onClick = { shareResults(context, model.results) }) {
                        Text(stringResource(R.string.benchmark_share))
                    }
                }
            }
        }
    }
}

@Composable
private fun Settings(
    state: BenchmarkState,
    onChoose: (Int) -> Unit,
    onStart: () -> Unit,
) {
    Text(stringResource(R.string.benchmark_intro))
    Title(stringResource(R.string.benchmark_runs))
    Choices(
        options = BenchmarkState.RUNS,
        chosen = state.runs,
        onChoose = onChoose,
        label = { "$it" },
        description = { stringResource(R.string.benchmark_runs_description, it) },
    )
    Button(onClick = onStart) { Text(stringResource(R.string.benchmark_start)) }
}

/** Stands still between two reports: drawing would take time from what is measured. */
@Composable
private fun Running(
    progress: BenchmarkProgress?,
    onStop: () -> Unit,
) {
    if (progress != null) {
        Text(
            stringResource(
                R.string.benchmark_combination,
                progress.number,
                progress.count,
                progress.combination.title,
            ),
            modifier = Modifier.semantics { liveRegion = LiveRegionMode.Polite },
            style = MaterialTheme.typography.titleMedium,
        )
        Text(step(progress))
        val share = if (progress.total == 0) 0f else progress.done.toFloat() / progress.total
        LinearProgressIndicator(progress = { share }, modifier = Modifier.fillMaxWidth())
    }
    OutlinedButton(onClick = onStop) { Text(stringResource(R.string.benchmark_stop)) }
}

@Composable
private fun step(progress: BenchmarkProgress): String =
    when (progress.step) {
        BenchmarkStep.COOLING_DOWN -> {
            stringResource(R.string.benchmark_cooling, progress.done)
        }

        BenchmarkStep.OPENING -> {
            stringResource(R.string.loading_model)
        }

        BenchmarkStep.WARMING_UP -> {
            stringResource(R.string.benchmark_warming, progress.done)
        }

        BenchmarkStep.MEASURING -> {
            stringResource(R.string.benchmark_measuring, progress.done, progress.total)
        }
    }

@Composable
private fun KeepScreenOn(on: Boolean) {
    val view = LocalView.current
    DisposableEffect(view, on) {
        view.keepScreenOn = on
        onDispose { view.keepScreenOn = false }
    }
}
