package [[ package ]].ui

import androidx.activity.compose.BackHandler
import androidx.activity.compose.LocalActivity
import androidx.compose.foundation.ScrollState
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Scaffold
import androidx.compose.material3.Text
import androidx.compose.material3.TopAppBar
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.platform.LocalView
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.compose.LifecycleEventEffect
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import [[ package ]].BenchmarkState
import [[ package ]].BenchmarkViewModel
import [[ package ]].R
import [[ package ]].core.benchmark.BenchmarkProgress
import [[ package ]].core.benchmark.BenchmarkStep
import [[ package ]].share.shareResults

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
        model.stop("the benchmark screen was closed")
        onLeave()
    }
    BackHandler(onBack = leave)
    // In the background it would run on the slow cores. Turning the phone is no reason to stop.
    LifecycleEventEffect(Lifecycle.Event.ON_STOP) {
        if (activity?.isChangingConfigurations != true) model.stop("the app went to the background")
    }
    KeepScreenOn(state.running)

    Scaffold(
        topBar = {
            TopAppBar(
                title = {
                    Text(
                        stringResource(R.string.benchmark),
                        modifier = Modifier.semantics { heading() },
                    )
                },
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
        BenchmarkPanes(
            done = state.report != null && !state.running,
            controls = {
                Controls(state, model, onShare = { shareResults(context, model.results) })
            },
            results = state.report?.let { { BenchmarkTable(it) } },
            modifier = Modifier.padding(bars),
        )
    }
}

/** Below each other, what is new above; side by side where that's wider. */
@Composable
private fun BenchmarkPanes(
    done: Boolean,
    controls: @Composable () -> Unit,
    results: (@Composable () -> Unit)?,
    modifier: Modifier = Modifier,
) {
    BoxWithConstraints(modifier.fillMaxSize(), contentAlignment = Alignment.TopCenter) {
        if (maxWidth >= TWO_PANES && results != null) {
            Row(Modifier.widthIn(max = TWO_PANES * 2)) {
                Pane(Modifier.weight(1f)) { controls() }
                Pane(Modifier.weight(1f)) { results() }
            }
        } else {
            val scroll = rememberScrollState()
            LaunchedEffect(done) { scroll.animateScrollTo(0) }
            Pane(Modifier.widthIn(max = TWO_PANES), scroll) {
                if (!done) controls()
                results?.invoke()
                if (done) controls()
            }
        }
    }
}

@Composable
private fun Pane(
    modifier: Modifier = Modifier,
    scroll: ScrollState = rememberScrollState(),
    content: @Composable ColumnScope.() -> Unit,
) {
    Column(
        modifier.verticalScroll(scroll).padding(16.dp),
        verticalArrangement = Arrangement.spacedBy(16.dp),
        content = content,
    )
}

@Composable
private fun Controls(
    state: BenchmarkState,
    model: BenchmarkViewModel,
    onShare: () -> Unit,
) {
    Column(verticalArrangement = Arrangement.spacedBy(16.dp)) {
        if (state.running) {
            Running(state.progress, onStop = { model.stop("the benchmark was stopped") })
        } else {
            if (state.report != null) {
                Button(onClick = onShare) { Text(stringResource(R.string.benchmark_share)) }
            }
            Settings(state, onChoose = model::choose, onStart = model::start)
        }
        state.failure?.let { Text(it, color = MaterialTheme.colorScheme.error) }
    }
}

@Composable
private fun Settings(
    state: BenchmarkState,
    onChoose: (Int) -> Unit,
    onStart: () -> Unit,
) {
    if (state.report == null) Text(stringResource(R.string.benchmark_intro))
    Title(stringResource(R.string.benchmark_runs))
    Choices(
        options = BenchmarkState.RUNS,
        chosen = state.runs,
        onChoose = onChoose,
        label = { "$it" },
        description = { stringResource(R.string.benchmark_runs_description, it) },
    )
    if (state.report == null) {
        Button(onClick = onStart) { Text(stringResource(R.string.benchmark_start)) }
    } else {
        OutlinedButton(onClick = onStart) { Text(stringResource(R.string.benchmark_again)) }
    }
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
                engine(progress.combination.request.accelerator, progress.combination.threads),
            ),
            modifier = Modifier.semantics { liveRegion = LiveRegionMode.Polite },
            style = MaterialTheme.typography.titleMedium,
        )
        Text(step(progress), color = MaterialTheme.colorScheme.onSurfaceVariant)
        val share = if (progress.total == 0) 0f else progress.done.toFloat() / progress.total
        Bar(share, 8.dp)
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

private val TWO_PANES = 600.dp

@Composable
private fun KeepScreenOn(on: Boolean) {
    val view = LocalView.current
    DisposableEffect(view, on) {
        view.keepScreenOn = on
        onDispose { view.keepScreenOn = false }
    }
}
