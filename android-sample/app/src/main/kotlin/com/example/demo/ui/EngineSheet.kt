package com.example.demo.ui

import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.selection.selectable
import androidx.compose.foundation.selection.selectableGroup
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.ModalBottomSheet
import androidx.compose.material3.RadioButton
import androidx.compose.material3.Text
import androidx.compose.material3.rememberModalBottomSheetState
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import com.example.demo.EngineChoice
import com.example.demo.ModelState
import com.example.demo.R
import com.example.demo.core.Accelerator

/** Where the model runs is chosen here, and shown how it turned out. */
@OptIn(ExperimentalMaterial3Api::class)
@Composable
internal fun EngineSheet(
    choice: EngineChoice,
    model: ModelState,
    onChoose: (EngineChoice) -> Unit,
    onDismiss: () -> Unit,
) {
    // The one that runs is ticked, also when another one was asked for.
    val running = (model as? ModelState.Open)?.accelerator ?: choice.accelerator
    ModalBottomSheet(
        onDismissRequest = onDismiss,
        sheetState = rememberModalBottomSheetState(skipPartiallyExpanded = true),
    ) {
        Column(Modifier.verticalScroll(rememberScrollState()).padding(bottom = 24.dp)) {
            Title(stringResource(R.string.accelerator), SIDES)
            Column(Modifier.padding(vertical = 8.dp).selectableGroup()) {
                for (accelerator in Accelerator.entries) {
                    AcceleratorRow(
                        accelerator,
                        ticked = accelerator == running,
                        status = status(accelerator, choice, model),
                        onClick = { onChoose(choice.copy(accelerator = accelerator)) },
                    )
                }
            }
            Title(stringResource(R.string.threads), SIDES)
            Choices(
                options = EngineChoice.THREADS,
                chosen = choice.threads,
                onChoose = { onChoose(choice.copy(threads = it)) },
                label = { "$it" },
                description = { stringResource(R.string.threads_description, it) },
                modifier = SIDES.padding(top = 8.dp),
                enabled = running == Accelerator.CPU,
            )
        }
    }
}

private val SIDES = Modifier.padding(horizontal = 24.dp)

@Composable
private fun status(
    accelerator: Accelerator,
    choice: EngineChoice,
    model: ModelState,
): String? =
    when (model) {
        is ModelState.Open -> {
            val refusal = model.refused.find { it.request.accelerator == accelerator }
            when {
                refusal != null -> stringResource(R.string.not_available, refusal.reason)
                accelerator == model.accelerator -> stringResource(R.string.in_use)
                else -> null
            }
        }

        ModelState.Opening -> {
            stringResource(R.string.loading_model).takeIf { accelerator == choice.accelerator }
        }

        is ModelState.Failed -> {
            model.reason.takeIf { accelerator == choice.accelerator }
        }
    }

@Composable
private fun AcceleratorRow(
    accelerator: Accelerator,
    ticked: Boolean,
    status: String?,
    onClick: () -> Unit,
) {
    Row(
        Modifier
            .fillMaxWidth()
            .selectable(selected = ticked, onClick = onClick, role = Role.RadioButton)
            .heightIn(min = 56.dp)
            .padding(horizontal = 24.dp, vertical = 8.dp)
            .semantics { liveRegion = LiveRegionMode.Polite },
        verticalAlignment = Alignment.CenterVertically,
    ) {
        RadioButton(selected = ticked, onClick = null)
        Column(Modifier.padding(start = 16.dp)) {
            Text(accelerator(accelerator))
            if (status != null) {
                Text(
                    status,
                    color = MaterialTheme.colorScheme.onSurfaceVariant,
                    style = MaterialTheme.typography.bodyMedium,
                )
            }
        }
    }
}
