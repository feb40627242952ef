package com.example.demo.ui

import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.res.stringResource
import com.example.demo.ModelState
import com.example.demo.R
import com.example.demo.core.Accelerator

/** Why the model doesn't run on what was chosen, where it doesn't. */
@Composable
internal fun Refusals(model: ModelState.Open) {
    for (refusal in model.refused) {
        val accelerator = accelerator(refusal.request.accelerator)
        Text(
            stringResource(R.string.refused_because, accelerator, refusal.reason),
            color = MaterialTheme.colorScheme.error,
            style = MaterialTheme.typography.bodySmall,
        )
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
