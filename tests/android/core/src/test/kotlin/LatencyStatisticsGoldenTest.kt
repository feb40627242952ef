package gate

import kotlin.test.Test
import kotlin.test.assertEquals
import com.example.flowers.core.LatencyStatistics

class LatencyStatisticsGoldenTest {
    @Test
    fun `statistics are numpy's`() {
        for (case in GoldenFiles.cases("latencies")) {
            val samples = GoldenFiles.numbers(case.text("samples")).asLongBuffer()
            val statistics = LatencyStatistics(LongArray(samples.remaining()).apply(samples::get))
            val ours =
                mapOf(
                    "min" to statistics.min.toDouble(),
                    "mean" to statistics.mean,
                    "median" to statistics.median,
                    "standardDeviation" to statistics.standardDeviation,
                    "p90" to statistics.p90,
                    "p95" to statistics.p95,
                    "p99" to statistics.p99,
                )
            for ((name, value) in ours) {
                val theirs = case.double(name)
                assertEquals(theirs, value, theirs * 1e-12, "$name of ${statistics.count}")
            }
        }
    }
}
