package com.example.demo.ui

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import com.example.demo.R
import com.example.demo.core.LatencyStatistics
import com.example.demo.core.benchmark.BenchmarkReport
import com.example.demo.core.benchmark.Measurement

/** The fastest first, and then what couldn't be measured and why. */
@Composable
internal fun BenchmarkTable(report: BenchmarkReport) {
    val rows = remember(report) { rows(report.measurements) }
    val skipped = report.measurements.filter { it.runs == null }
    Column(Modifier.fillMaxWidth(), verticalArrangement = Arrangement.spacedBy(16.dp)) {
        report.context.interrupted?.let {
            Warning(stringResource(R.string.benchmark_interrupted, it))
        }
        if (rows.isNotEmpty()) {
            Group(stringResource(R.string.benchmark_results)) {
                val slowest = rows.maxOf { it.inference.median }
                for (row in rows) {
                    TableRow(row, slowest, fastest = row === rows.first())
                }
                if (report.context.batterySaver == true) {
                    Warning(stringResource(R.string.benchmark_battery_saver))
                }
            }
        }
        if (skipped.isNotEmpty()) {
            Group(stringResource(R.string.benchmark_not_measured)) {
                for (each in skipped) {
                    val reason = each.skipped.orEmpty()
                    Note(stringResource(R.string.refused_because, engine(each), reason))
                }
            }
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
private fun engine(measurement: Measurement): String =
    engine(measurement.request.accelerator, measurement.threads)

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
    row: TableEntry,
    slowest: Double,
    fastest: Boolean,
) {
    val style = MaterialTheme.typography.titleMedium
    val weight = if (fastest) FontWeight.Bold else FontWeight.Normal
    Column(
        Modifier.padding(vertical = 4.dp).semantics(mergeDescendants = true) {},
        verticalArrangement = Arrangement.spacedBy(4.dp),
    ) {
        FlowRow(Modifier.fillMaxWidth(), horizontalArrangement = Arrangement.SpaceBetween) {
            Text(
                engine(row.measurement),
                modifier = Modifier.padding(end = 16.dp),
                fontWeight = weight,
                style = style,
            )
            Text(
                stringResource(R.string.milliseconds, row.inference.median / NANOS_PER_MILLI),
                fontWeight = weight,
                style = style,
            )
        }
        val colors = MaterialTheme.colorScheme
        Bar(
            (row.inference.median / slowest).toFloat(),
            6.dp,
            color = if (fastest) colors.primary else colors.secondary,
        )
        Note(
            stringResource(
                R.string.benchmark_details,
                row.inference.p90 / NANOS_PER_MILLI,
                row.endToEnd.median / NANOS_PER_MILLI,
            ),
        )
        for (warning in warnings(row.measurement)) Warning(warning)
    }
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
