package com.example.demo.core.benchmark

import com.example.demo.core.Accelerator
import com.example.demo.core.Request

/** The phone and its system, in Android's own words. */
data class PhoneBuild(
    val brand: String,
    val device: String,
    val fingerprint: String,
    val id: String,
    val model: String,
    val type: String,
    val codename: String,
    val sdk: Int,
)

/**
 * Where and when it was measured. What is null isn't known.
 *
 * @property cpuLocked whether the clocks stand still.
 * @property thermalStatusBefore Android's THERMAL_STATUS, 0 (none) to 6 (shutdown).
 * @property startedAt ISO 8601, UTC.
 * @property interrupted why it ended before its plan did.
 */
data class BenchmarkContext(
    val build: PhoneBuild,
    val packager: String,
    val runtime: String,
    val cpuCores: Int,
    val cpuLocked: Boolean?,
    val cpuMaxHz: Long?,
    val memoryBytes: Long,
    val soc: String?,
    val abi: String,
    val androidBuild: String?,
    val batterySaver: Boolean?,
    val startedAt: String,
    val thermalStatusBefore: Int? = null,
    val thermalStatusAfter: Int? = null,
    val interrupted: String? = null,
)

/** Which model it was. */
data class ModelFacts(
    val file: String,
    val sha256: String,
    val bytes: Long,
    val architecture: String?,
    val quantization: String,
)

/** What really ran the model. */
data class ActualEngine(
    val accelerator: Accelerator,
    val description: String,
)

/** Nanoseconds of each run, in the order they were made; [endToEnd] is all of a run. */
class RunTimes(
    val inference: LongArray,
    val preprocess: LongArray,
    val postprocess: LongArray,
    val endToEnd: LongArray,
)

/**
 * What became of one combination. What is null didn't come so far, or isn't known.
 *
 * @property skipped why nothing was measured.
 * @property failed why it ended early; the runs before that are kept.
 * @property runs null when there is none.
 * @property peakMemoryBytes what the process came to need on top of what it had before.
 * @property checked of how many photos the expected class is known, [wrongPhotos] those that came
 *     out as another.
 */
data class Measurement(
    val combination: String,
    val testName: String,
    val model: String,
    val request: Request,
    val threads: Int?,
    val facts: ModelFacts? = null,
    val actual: ActualEngine? = null,
    val skipped: String? = null,
    val failed: String? = null,
    val loadNanos: Long? = null,
    val compileNanos: Long? = null,
    val firstInferenceNanos: Long? = null,
    val warmUpIterations: Int = 0,
    val steady: Boolean = false,
    val runs: RunTimes? = null,
    val totalNanos: Long = 0,
    val coolDownSeconds: Int = 0,
    val throttled: Boolean? = null,
    val peakMemoryBytes: Long? = null,
    val checked: Int = 0,
    val wrongPhotos: List<String> = emptyList(),
    val photos: Int = 0,
)

/** Everything that was measured so far. */
data class BenchmarkReport(
    val context: BenchmarkContext,
    val measurements: List<Measurement>,
) {
    /** androidx.benchmark's layout, with our fields under "packager". Ends with a line feed. */
    fun toJson(): String = reportJson(this)
}
