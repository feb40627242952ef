package [[ package ]].ui

import androidx.compose.runtime.Composable
import androidx.compose.ui.res.stringResource
import [[ package ]].ModelState
import [[ package ]].R
import [[ package ]].core.Accelerator

/** Why the model doesn't run on what was chosen, where it doesn't. */
@Composable
internal fun Refusals(model: ModelState.Open) {
    for (refusal in model.refused) {
        val accelerator = accelerator(refusal.request.accelerator)
        Note(stringResource(R.string.refused_because, accelerator, refusal.reason))
    }
}

@Composable
internal fun accelerator(accelerator: Accelerator): String =
    stringResource(
        when (accelerator) {
            Accelerator.CPU -> R.string.accelerator_cpu
            Accelerator.GPU -> R.string.accelerator_gpu
            Accelerator.NPU -> R.string.accelerator_npu
        },
    )

/** With its threads, where it is the CPU. */
@Composable
internal fun engine(
    accelerator: Accelerator,
    threads: Int?,
): String =
    threads?.let { stringResource(R.string.benchmark_threads, accelerator(accelerator), it) }
        ?: accelerator(accelerator)
