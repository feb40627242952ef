package [[ package ]].core.benchmark

import [[ package ]].core.Accelerator
import [[ package ]].core.Request

/**
 * How each combination is measured, the same on a computer and on a phone.
 *
 * @property runs how many are measured; at least [leastRuns] once [runNanos] are over.
 * @property leastWarmUp iterations before that as long as they aren't steady, [mostWarmUp] at most;
 *     [warmUpNanos] end them after [leastWarmUp].
 * @property window it is steady when the median of the last iterations, so many, differs by less
 *     than [tolerance] of it from the median of as many before.
 * @property coolDownSeconds how long a hot phone is waited for at most, before each combination.
 */
data class BenchmarkLimits(
    val runs: Int = 100,
    val leastRuns: Int = 10,
    val runNanos: Long = 30 * NANOS_PER_SECOND,
    val leastWarmUp: Int = 10,
    val mostWarmUp: Int = 200,
    val warmUpNanos: Long = 10 * NANOS_PER_SECOND,
    val window: Int = 10,
    val tolerance: Double = 0.03,
    val coolDownSeconds: Int = 120,
) {
    init {
        require(runs >= 1) { "runs is $runs, not at least 1" }
        require(runNanos > 0) { "the time limit is not above zero" }
    }
}

/** One model on one accelerator, with one number of threads where that is the CPU. */
data class Combination(
    val model: BenchmarkModel,
    val request: Request,
) {
    /** Threads of the CPU; null for the others, which don't mind them. */
    val threads: Int? get() = request.threads.takeIf { request.accelerator == Accelerator.CPU }

    /** For people. */
    val title: String get() = parts.joinToString()

    /** As androidx.benchmark writes a method and its parameters. */
    val testName: String get() = "classify[${parts.joinToString(",")}]"

    private val parts get() = listOfNotNull(model.name, request.accelerator.name, threads)
}

/** Every model with every request, one model after the other. */
class BenchmarkPlan(
    models: List<BenchmarkModel>,
    requests: List<Request> = DEFAULT_REQUESTS,
    val limits: BenchmarkLimits = BenchmarkLimits(),
) {
    val combinations: List<Combination> =
        models.flatMap { model -> requests.map { Combination(model, it) } }

    init {
        require(combinations.isNotEmpty()) { "there is nothing to measure" }
    }

    companion object {
        val DEFAULT_REQUESTS = requests(accelerators = null, threads = null)

        /**
         * From lists with commas, such as "CPU,GPU" and "1,2"; null asks for all there are.
         *
         * Throws IllegalArgumentException, which says what can't be read.
         */
        fun requests(
            accelerators: String?,
            threads: String?,
        ): List<Request> {
            val counts =
                words(threads ?: "1,2,4").map {
                    requireNotNull(it.toIntOrNull()) { "threads: \"$it\" is not a number" }
                }
            return words(accelerators ?: "CPU,GPU,NPU").flatMap { word ->
                val accelerator = Accelerator.entries.find { it.name.equals(word, true) }
                requireNotNull(accelerator) { "accelerators: \"$word\" is not CPU, GPU or NPU" }
                if (accelerator == Accelerator.CPU) {
                    counts.map { Request(accelerator, it) }
                } else {
                    listOf(Request(accelerator))
                }
            }
        }

        /** Those of a list with commas, each once. */
        internal fun words(list: String): List<String> =
            list
                .split(',')
                .map(String::trim)
                .filter(String::isNotEmpty)
                .distinct()
    }
}

internal const val NANOS_PER_SECOND = 1_000_000_000L
