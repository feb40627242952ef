package [[ package ]].core.benchmark

import kotlin.math.round
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import [[ package ]].core.LatencyStatistics

private const val FORMAT = 1
internal const val OURS = "packager"
private const val CLASS_NAME = "packager.ClassifyBenchmark"
private val FILE = Json { prettyPrint = true }

internal fun reportJson(report: BenchmarkReport): String {
    val root =
        buildJsonObject {
            put("context", context(report.context))
            put("benchmarks", JsonArray(report.measurements.map(::measurement)))
        }
    return FILE.encodeToString(JsonElement.serializer(), root) + "\n"
}

private fun context(context: BenchmarkContext) =
    buildJsonObject {
        putJsonObject("build") {
            put("brand", context.build.brand)
            put("device", context.build.device)
            put("fingerprint", context.build.fingerprint)
            put("id", context.build.id)
            put("model", context.build.model)
            put("type", context.build.type)
            putJsonObject("version") {
                put("codename", context.build.codename)
                put("sdk", context.build.sdk)
            }
        }
        put("cpuCoreCount", context.cpuCores)
        put("cpuLocked", context.cpuLocked)
        put("cpuMaxFreqHz", context.cpuMaxHz)
        put("memTotalBytes", context.memoryBytes)
        put("osCodenameAbbreviated", "")
        put("sustainedPerformanceModeEnabled", false)
        put("artMainlineVersion", -1)
        put("compilationMode", "")
        putJsonObject(OURS) {
            put("format", FORMAT)
            put("version", context.packager)
            put("source", "phone")
            put("engine", "litert")
            put("runtime", context.runtime)
            put("soc", context.soc)
            put("abi", context.abi)
            put("androidBuild", context.androidBuild)
            put("batterySaver", context.batterySaver)
            put("thermalStatusBefore", context.thermalStatusBefore)
            put("thermalStatusAfter", context.thermalStatusAfter)
            put("startedAt", context.startedAt)
            put("interrupted", context.interrupted?.let(::JsonPrimitive) ?: JsonPrimitive(false))
        }
    }

private fun measurement(measured: Measurement): JsonObject {
    val metrics =
        measured.runs
            ?.run {
                mapOf(
                    "timeNs" to inference,
                    "preprocessNs" to preprocess,
                    "postprocessNs" to postprocess,
                    "endToEndNs" to endToEnd,
                )
            }.orEmpty()
    val statistics = metrics.mapValues { LatencyStatistics(it.value) }
    return buildJsonObject {
        put("name", measured.testName)
        putJsonObject("params") {
            put("model", measured.model)
            put("accelerator", measured.request.accelerator.name)
            // All of androidx.benchmark's parameters are texts.
            measured.threads?.let { put("threads", "$it") }
        }
        put("className", CLASS_NAME)
        put("totalRunTimeNs", measured.totalNanos)
        putJsonObject("metrics") {
            for ((name, times) in metrics) put(name, metric(times, statistics.getValue(name)))
        }
        putJsonObject("sampledMetrics") {}
        put("warmupIterations", measured.warmUpIterations)
        put("repeatIterations", 1)
        put("thermalThrottleSleepSeconds", measured.coolDownSeconds)
        putJsonObject(OURS) {
            details(measured)
            putJsonObject("statistics") {
                for ((name, summary) in statistics) put(name, spread(summary))
            }
        }
    }
}

private fun JsonObjectBuilder.details(measured: Measurement) {
    put("model", measured.facts?.let(::facts) ?: JsonNull)
    putJsonObject("requested") {
        put("accelerator", measured.request.accelerator.name)
        put("threads", measured.threads)
    }
    val actual =
        measured.actual?.let {
            buildJsonObject {
                put("accelerator", it.accelerator.name)
                put("description", it.description)
            }
        }
    put("actual", actual ?: JsonNull)
    put("skipped", measured.skipped)
    put("failed", measured.failed)
    put("loadNs", measured.loadNanos)
    put("compileNs", measured.compileNanos)
    put("firstInferenceNs", measured.firstInferenceNanos)
    put("steady", measured.steady)
    put("peakMemoryBytes", measured.peakMemoryBytes)
    put("throttled", measured.throttled)
    putJsonObject("predictions") {
        put("checked", measured.checked)
        put("wrong", measured.wrongPhotos.size)
        put("wrongPhotos", JsonArray(measured.wrongPhotos.map(::JsonPrimitive)))
    }
    put("photos", measured.photos)
}

private fun facts(facts: ModelFacts) =
    buildJsonObject {
        put("file", facts.file)
        put("sha256", facts.sha256)
        put("bytes", facts.bytes)
        put("spec", facts.architecture)
        put("quantization", facts.quantization)
    }

private fun metric(
    times: LongArray,
    summary: LatencyStatistics,
) = buildJsonObject {
    put("minimum", summary.min)
    put("maximum", summary.max)
    put("median", number(summary.median))
    put("coefficientOfVariation", summary.coefficientOfVariation?.let(::number) ?: JsonNull)
    put("runs", JsonArray(times.map(::JsonPrimitive)))
}

private fun spread(summary: LatencyStatistics) =
    buildJsonObject {
        put("count", summary.count)
        put("mean", number(summary.mean))
        put("standardDeviation", number(summary.standardDeviation))
        put("p90", number(summary.p90))
        put("p95", number(summary.p95))
        put("p99", number(summary.p99))
    }

/** Whole numbers are written as such, not as 1.2E7. */
private fun number(value: Double): JsonPrimitive =
    if (value == round(value)) JsonPrimitive(value.toLong()) else JsonPrimitive(value)
