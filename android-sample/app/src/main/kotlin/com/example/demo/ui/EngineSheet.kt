package com.example.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.ModalBottomSheet
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
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
