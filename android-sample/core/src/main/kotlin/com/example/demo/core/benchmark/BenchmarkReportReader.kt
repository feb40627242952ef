package com.example.demo.core.benchmark

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import com.example.demo.core.Accelerator
import com.example.demo.core.Request

/**
 * The report that [BenchmarkReport.toJson] wrote.
 *
 * Throws IllegalArgumentException when the text is none.
 */
fun readReport(json: String): BenchmarkReport =
    try {
        val root = Json.parseToJsonElement(json).jsonObject
        BenchmarkReport(
            context(root.obj("context")),
            root.list("benchmarks").map { measurement(it.jsonObject) },
        )
    } catch (error: NoSuchElementException) {
        throw IllegalArgumentException("It is no report of this benchmark: ${error.message}", error)
    }

private fun context(root: JsonObject): BenchmarkContext {
    val build = root.obj("build")
    val version = build.obj("version")
    val ours = root.obj(OURS)
    return BenchmarkContext(
        build =
            PhoneBuild(
                brand = build.text("brand"),
                device = build.text("device"),
                fingerprint = build.text("fingerprint"),
                id = build.text("id"),
                model = build.text("model"),
                type = build.text("type"),
                codename = version.text("codename"),
                sdk = version.int("sdk"),
            ),
        packager = ours.text("version"),
        runtime = ours.text("runtime"),
        cpuCores = root.int("cpuCoreCount"),
        cpuLocked = root.flagOrNull("cpuLocked"),
        cpuMaxHz = root.longOrNull("cpuMaxFreqHz"),
        memoryBytes = root.long("memTotalBytes"),
        soc = ours.textOrNull("soc"),
        abi = ours.text("abi"),
        androidBuild = ours.textOrNull("androidBuild"),
        batterySaver = ours.flagOrNull("batterySaver"),
        startedAt = ours.text("startedAt"),
        thermalStatusBefore = ours.intOrNull("thermalStatusBefore"),
        thermalStatusAfter = ours.intOrNull("thermalStatusAfter"),
        // False, or the reason.
        interrupted = ours.textOrNull("interrupted").takeUnless { it == "false" },
    )
}

private fun measurement(root: JsonObject): Measurement {
    val ours = root.obj(OURS)
    val model = root.obj("params").text("model")
    val accelerator = accelerator(ours.obj("requested"))
    val threads = ours.obj("requested").intOrNull("threads")
    val predictions = ours.obj("predictions")
    return Measurement(
        combination = listOfNotNull(model, accelerator.name, threads).joinToString(),
        testName = root.text("name"),
        model = model,
        request = Request(accelerator, threads ?: 1),
        threads = threads,
        facts = ours.objOrNull("model")?.let(::facts),
        actual =
            ours.objOrNull("actual")?.let {
                ActualEngine(accelerator(it), it.text("description"))
            },
        skipped = ours.textOrNull("skipped"),
        failed = ours.textOrNull("failed"),
        loadNanos = ours.longOrNull("loadNs"),
        compileNanos = ours.longOrNull("compileNs"),
        firstInferenceNanos = ours.longOrNull("firstInferenceNs"),
        warmUpIterations = root.int("warmupIterations"),
        steady = ours.value("steady").boolean,
        runs = runs(root.obj("metrics")),
        totalNanos = root.long("totalRunTimeNs"),
        coolDownSeconds = root.int("thermalThrottleSleepSeconds"),
        throttled = ours.flagOrNull("throttled"),
        peakMemoryBytes = ours.longOrNull("peakMemoryBytes"),
        checked = predictions.int("checked"),
        wrongPhotos = predictions.list("wrongPhotos").map { it.jsonPrimitive.content },
        photos = ours.int("photos"),
    )
}

private fun runs(metrics: JsonObject): RunTimes? {
    if (metrics.isEmpty()) return null

    fun times(name: String): LongArray {
        val runs = metrics.obj(name).list("runs")
        return LongArray(runs.size) { runs[it].jsonPrimitive.long }
    }
    return RunTimes(
        inference = times("timeNs"),
        preprocess = times("preprocessNs"),
        postprocess = times("postprocessNs"),
        endToEnd = times("endToEndNs"),
    )
}

private fun facts(root: JsonObject) =
    ModelFacts(
        file = root.text("file"),
        sha256 = root.text("sha256"),
        bytes = root.long("bytes"),
        architecture = root.textOrNull("spec"),
        quantization = root.text("quantization"),
    )

private fun accelerator(root: JsonObject) = Accelerator.valueOf(root.text("accelerator"))

private fun JsonObject.known(name: String): JsonElement? = getValue(name).takeIf { it != JsonNull }

private fun JsonObject.value(name: String): JsonPrimitive = getValue(name).jsonPrimitive

private fun JsonObject.valueOrNull(name: String): JsonPrimitive? = known(name)?.jsonPrimitive

private fun JsonObject.obj(name: String): JsonObject = getValue(name).jsonObject

private fun JsonObject.objOrNull(name: String): JsonObject? = known(name)?.jsonObject

private fun JsonObject.list(name: String): JsonArray = getValue(name).jsonArray

private fun JsonObject.text(name: String): String = value(name).content

private fun JsonObject.textOrNull(name: String): String? = valueOrNull(name)?.content

private fun JsonObject.int(name: String): Int = value(name).int

private fun JsonObject.intOrNull(name: String): Int? = valueOrNull(name)?.int

private fun JsonObject.long(name: String): Long = value(name).long

private fun JsonObject.longOrNull(name: String): Long? = valueOrNull(name)?.long

private fun JsonObject.flagOrNull(name: String): Boolean? = valueOrNull(name)?.boolean
