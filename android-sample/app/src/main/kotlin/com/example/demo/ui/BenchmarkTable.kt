package com.example.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import com.example.demo.R
import com.example.demo.core.LatencyStatistics
import com.example.demo.core.benchmark.BenchmarkReport
import com.example.demo.core.benchmark.Measurement

/** The fastest first, and then what couldn't be measured and why. */
@Composable
internal fun BenchmarkTable(report: BenchmarkReport) {
    val rows = remember(report) { rows(report.measurements) }
    Column(Modifier.fillMaxWidth(), verticalArrangement = Arrangement.spacedBy(8.dp)) {
        if (rows.isNotEmpty()) {
            TableRow(
                stringResource(R.string.benchmark_engine),
                stringResource(R.string.benchmark_median),
                stringResource(R.string.benchmark_p90),
                FontWeight.Bold,
            )
        }
        for (row in rows) {
            HorizontalDivider()
            TableRow(
                engine(row.measurement),
                stringResource(R.string.milliseconds, row.inference.median / NANOS_PER_MILLI),
                stringResource(R.string.milliseconds, row.inference.p90 / NANOS_PER_MILLI),
                FontWeight.Normal,
            )
            Note(
                stringResource(
                    R.string.benchmark_end_to_end,
                    row.endToEnd.median / NANOS_PER_MILLI,
                ),
            )
            for (warning in warnings(row.measurement)) Warning(warning)
        }
        HorizontalDivider()
        for (skipped in report.measurements.filter { it.runs == null }) {
            Warning(
                stringResource(
                    R.string.refused_because,
                    engine(skipped),
                    skipped.skipped.orEmpty(),
                ),
            )
        }
        if (report.context.batterySaver == true) {
            Warning(stringResource(R.string.benchmark_battery_saver))
        }
    }
}

private class TableEntry(
    val measurement: Measurement,
    val inference: LatencyStatistics,
    val endToEnd: LatencyStatistics,
)

private fun rows(measurements: List<Measurement>): List<TableEntry> =
    measurements
        .mapNotNull { measurement ->
            measurement.runs?.let {
                TableEntry(
                    measurement,
                    LatencyStatistics(it.inference),
                    LatencyStatistics(it.endToEnd),
                )
            }
        }.sortedBy { it.inference.median }

@Composable
private fun engine(measurement: Measurement): String {
    val accelerator = accelerator(measurement.request.accelerator)
    return measurement.threads?.let {
        stringResource(R.string.benchmark_threads, accelerator, it)
    } ?: accelerator
}

@Composable
private fun warnings(measurement: Measurement): List<String> =
    listOfNotNull(
        stringResource(
            R.string.benchmark_wrong,
            measurement.wrongPhotos.size,
            measurement.checked,
        ).takeIf { measurement.wrongPhotos.isNotEmpty() },
        stringResource(R.string.benchmark_throttled).takeIf { measurement.throttled == true },
        stringResource(R.string.benchmark_not_steady).takeIf { !measurement.steady },
        measurement.failed,
    )

@Composable
private fun TableRow(
    engine: String,
    median: String,
    p90: String,
    weight: FontWeight,
) {
    Row(
        Modifier.semantics(mergeDescendants = true) {},
        horizontalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        Text(engine, Modifier.weight(2f), fontWeight = weight)
        Text(median, Modifier.weight(1f), fontWeight = weight, textAlign = TextAlign.End)
        Text(p90, Modifier.weight(1f), fontWeight = weight, textAlign = TextAlign.End)
    }
}

@Composable
private fun Note(text: String) {
    Text(text, style = MaterialTheme.typography.bodySmall)
}

@Composable
private fun Warning(text: String) {
    Text(
        text,
        color = MaterialTheme.colorScheme.error,
        style = MaterialTheme.typography.bodySmall,
    )
}

private const val NANOS_PER_MILLI = 1e6
