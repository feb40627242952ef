package com.example.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalConfiguration
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import java.text.NumberFormat
import com.example.demo.ClassifierState
import com.example.demo.ModelState
import com.example.demo.Outcome
import com.example.demo.R
import com.example.demo.core.Category
import com.example.demo.core.Classification

/** The classes with their scores, how long it took, and on what. */
@Composable
internal fun Results(
    state: ClassifierState,
    modifier: Modifier = Modifier,
) {
    Column(
        modifier.verticalScroll(rememberScrollState()).padding(16.dp),
        verticalArrangement = Arrangement.spacedBy(12.dp),
    ) {
        when (val outcome = state.outcome) {
            is Outcome.Classified -> {
                Classified(outcome.classification)
            }

            is Outcome.Failed -> {
                Notice(stringResource(R.string.classification_failed_title), outcome.reason)
            }

            null -> {
                if (state.model == ModelState.Opening) {
                    Waiting(stringResource(R.string.loading_model), Modifier.fillMaxWidth())
                }
            }
        }
        val model = state.model
        if (model is ModelState.Open) EngineLine(model)
    }
}

@Composable
private fun Classified(classification: Classification) {
    if (classification.categories.isEmpty()) Text(stringResource(R.string.nothing_found))
    for (category in classification.categories) CategoryRow(category)
    HorizontalDivider()
    val timings = classification.timings
    Timing(stringResource(R.string.timing_preprocess), timings.preprocessNanos)
    Timing(stringResource(R.string.timing_inference), timings.inferenceNanos)
    Timing(stringResource(R.string.timing_postprocess), timings.postprocessNanos)
}

@Composable
private fun CategoryRow(category: Category) {
    val locale = LocalConfiguration.current.locales[0]
    val percent =
        remember(locale) {
            NumberFormat.getPercentInstance(locale).apply {
                minimumFractionDigits = 1
                maximumFractionDigits = 1
            }
        }
    val score = percent.format(category.score)
    val description = stringResource(R.string.category_description, category.label, score)
    Column(Modifier.clearAndSetSemantics { contentDescription = description }) {
        Row(verticalAlignment = Alignment.CenterVertically) {
            Text(
                category.label,
                modifier = Modifier.weight(1f),
                maxLines = 1,
                overflow = TextOverflow.Ellipsis,
                style = MaterialTheme.typography.titleMedium,
            )
            Text(score, style = MaterialTheme.typography.titleMedium)
        }
        LinearProgressIndicator(
            progress = { category.score.coerceIn(0f, 1f) },
            modifier = Modifier.fillMaxWidth().padding(top = 4.dp),
        )
    }
}

@Composable
private fun Timing(
    step: String,
    nanos: Long,
) {
    val milliseconds = nanos / NANOS_PER_MILLISECOND
    val description = stringResource(R.string.milliseconds_description, step, milliseconds)
    Row(Modifier.clearAndSetSemantics { contentDescription = description }) {
        Text(step, Modifier.weight(1f), style = MaterialTheme.typography.bodyMedium)
        Text(
            stringResource(R.string.milliseconds, milliseconds),
            style = MaterialTheme.typography.bodyMedium,
        )
    }
}

@Composable
private fun EngineLine(model: ModelState.Open) {
    Text(
        stringResource(R.string.model_facts, model.name, model.quantization),
        style = MaterialTheme.typography.bodySmall,
    )
    Text(
        stringResource(R.string.running_on, model.description),
        style = MaterialTheme.typography.bodySmall,
    )
    Refusals(model)
}

private const val NANOS_PER_MILLISECOND = 1e6
