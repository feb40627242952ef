package [[ package ]].ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
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
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import java.text.NumberFormat
import [[ package ]].ClassifierState
import [[ package ]].ModelState
import [[ package ]].Outcome
import [[ package ]].R
import [[ package ]].core.Category
import [[ package ]].core.Classification
import [[ package ]].core.Timings

/** The classes with their scores, how long it took, and on what. */
@Composable
internal fun Results(
    state: ClassifierState,
    modifier: Modifier = Modifier,
) {
    val outcome = state.outcome
    when {
        outcome is Outcome.Classified -> {
            Column(
                modifier.verticalScroll(rememberScrollState()).padding(16.dp),
                verticalArrangement = Arrangement.spacedBy(16.dp),
            ) {
                Scores(outcome.classification)
                Times(outcome.classification.timings)
                (state.model as? ModelState.Open)?.let { ModelFacts(it) }
            }
        }

        outcome is Outcome.Failed -> {
            Notice(
                icon = R.drawable.ic_problem,
                title = stringResource(R.string.classification_failed_title),
                text = outcome.reason,
                modifier = modifier,
            )
        }

        state.model == ModelState.Opening -> {
            Waiting(stringResource(R.string.loading_model), modifier)
        }
    }
}

@Composable
private fun Scores(classification: Classification) {
    if (classification.categories.isEmpty()) Text(stringResource(R.string.nothing_found))
    Column(verticalArrangement = Arrangement.spacedBy(12.dp)) {
        classification.categories.forEachIndexed { index, category ->
            CategoryRow(category, best = index == 0)
        }
    }
}

@Composable
private fun CategoryRow(
    category: Category,
    best: Boolean,
) {
    val score = percent().format(category.score)
    val description = stringResource(R.string.category_description, category.label, score)
    val type = MaterialTheme.typography
    val colors = MaterialTheme.colorScheme
    Column(
        Modifier.clearAndSetSemantics { contentDescription = description },
        verticalArrangement = Arrangement.spacedBy(if (best) 8.dp else 4.dp),
    ) {
        Row(verticalAlignment = Alignment.CenterVertically) {
            Text(
                category.label,
                modifier = Modifier.weight(1f).padding(end = 16.dp),
                fontWeight = if (best) FontWeight.Medium else null,
                maxLines = 6,
                overflow = TextOverflow.Ellipsis,
                style = if (best) type.headlineSmall else type.bodyLarge,
            )
            Text(
                score,
                color = if (best) colors.primary else colors.onSurfaceVariant,
                fontWeight = if (best) FontWeight.Medium else null,
                style = if (best) type.headlineSmall else type.bodyLarge,
            )
        }
        if (best) {
            Bar(category.score, 8.dp)
        } else {
            Bar(category.score, 4.dp, color = colors.secondary)
        }
    }
}

@Composable
private fun percent(): NumberFormat {
    val locale = LocalConfiguration.current.locales[0]
    return remember(locale) {
        NumberFormat.getPercentInstance(locale).apply {
            minimumFractionDigits = 1
            maximumFractionDigits = 1
        }
    }
}

@Composable
private fun Times(timings: Timings) {
    val steps =
        listOf(
            R.string.timing_preprocess to timings.preprocessNanos,
            R.string.timing_inference to timings.inferenceNanos,
            R.string.timing_postprocess to timings.postprocessNanos,
        )
    Group(stringResource(R.string.timings)) {
        for ((step, nanos) in steps) {
            // The rest would be shown as no time at all.
            if (nanos >= LEAST_SHOWN_NANOS) Time(stringResource(step), nanos)
        }
    }
}

@Composable
private fun Time(
    step: String,
    nanos: Long,
) {
    val milliseconds = nanos / NANOS_PER_MILLISECOND
    Fact(
        step,
        stringResource(R.string.milliseconds, milliseconds),
        stringResource(R.string.milliseconds_description, step, milliseconds),
    )
}

@Composable
private fun ModelFacts(model: ModelState.Open) {
    Group(stringResource(R.string.model)) {
        Fact(
            stringResource(R.string.model_name),
            stringResource(R.string.model_facts, model.name, model.quantization),
        )
        Fact(stringResource(R.string.accelerator), model.description)
        Refusals(model)
    }
}

private const val NANOS_PER_MILLISECOND = 1e6
private const val LEAST_SHOWN_NANOS = 50_000L
