package com.example.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.ModalBottomSheet
import androidx.compose.material3.SegmentedButton
import androidx.compose.material3.SegmentedButtonDefaults
import androidx.compose.material3.SingleChoiceSegmentedButtonRow
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
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
    ModalBottomSheet(onDismissRequest = onDismiss) {
        Column(
            Modifier
                .verticalScroll(rememberScrollState())
                .padding(start = 24.dp, end = 24.dp, bottom = 24.dp),
            verticalArrangement = Arrangement.spacedBy(12.dp),
        ) {
            Title(stringResource(R.string.accelerator))
            Choices(
                options = Accelerator.entries,
                chosen = choice.accelerator,
                onChoose = { onChoose(choice.copy(accelerator = it)) },
                label = { accelerator(it) },
                description = { accelerator(it) },
            )
            Title(stringResource(R.string.threads))
            Choices(
                options = EngineChoice.THREADS,
                chosen = choice.threads,
                onChoose = { onChoose(choice.copy(threads = it)) },
                label = { "$it" },
                description = { stringResource(R.string.threads_description, it) },
            )
            when (model) {
                is ModelState.Open -> {
                    Text(stringResource(R.string.running_on, model.description))
                    Refusals(model)
                }

                ModelState.Opening -> {
                    Text(stringResource(R.string.loading_model))
                }

                is ModelState.Failed -> {
                    Text(model.reason, color = MaterialTheme.colorScheme.error)
                }
            }
        }
    }
}

@Composable
private fun Title(text: String) {
    Text(
        text,
        modifier = Modifier.semantics { heading() },
        style = MaterialTheme.typography.titleMedium,
    )
}

@Composable
private fun <T> Choices(
    options: List<T>,
    chosen: T,
    onChoose: (T) -> Unit,
    label: @Composable (T) -> String,
    description: @Composable (T) -> String,
) {
    SingleChoiceSegmentedButtonRow(Modifier.fillMaxWidth()) {
        options.forEachIndexed { index, option ->
            val spoken = description(option)
            SegmentedButton(
                selected = option == chosen,
                onClick = { onChoose(option) },
                shape = SegmentedButtonDefaults.itemShape(index, options.size),
                modifier = Modifier.semantics { contentDescription = spoken },
            ) {
                Text(label(option))
            }
        }
    }
}
