package com.example.demo.benchmark

import android.content.Context
import java.io.File
import com.example.demo.classifier.ClassifierModel
import com.example.demo.classifier.EngineThread
import com.example.demo.core.Request
import com.example.demo.core.benchmark.Benchmark
import com.example.demo.core.benchmark.BenchmarkLimits
import com.example.demo.core.benchmark.BenchmarkListener
import com.example.demo.core.benchmark.BenchmarkModel
import com.example.demo.core.benchmark.BenchmarkPlan
import com.example.demo.core.benchmark.BenchmarkReport
import com.example.demo.core.benchmark.LoadedModel
import com.example.demo.core.benchmark.StoppableBenchmark
import com.example.demo.core.benchmark.benchmarkName

/**
 * Measures models on this phone.
 *
 * @property requests what each model is asked to run on, one after the other.
 * @property models the names of those to measure; null for all that are there.
 * @property modelFolder has a folder for each model, instead of the assets.
 * @property photoFolder has photos/ and predictions.json, instead of the assets.
 */
class PhoneBenchmark(
    context: Context,
    private val requests: List<Request> = BenchmarkPlan.DEFAULT_REQUESTS,
    private val limits: BenchmarkLimits = BenchmarkLimits(),
    private val models: Set<String>? = null,
    private val modelFolder: File? = null,
    private val photoFolder: File? = null,
) : StoppableBenchmark {
    private val application = context.applicationContext
    private val surroundings = PhoneSurroundings(application)

    override fun stop(why: String) = surroundings.stop(why)

    /**
     * On the [EngineThread]: close the app's own engines before, or they disturb what is measured.
     *
     * Throws IllegalArgumentException when there is no such model, IOException when a photo can't
     * be read, and PredictionsException.
     */
    override fun run(listener: BenchmarkListener): BenchmarkReport {
        val found = if (modelFolder == null) inAssets() else inFolder(modelFolder)
        val unknown = models.orEmpty() - found.keys
        require(unknown.isEmpty()) { "There is no model $unknown; there are ${found.keys}." }
        val chosen = found.filterKeys { models == null || it in models }
        val samples =
            photoFolder?.let(SamplePhotos::fromFolder)
                ?: SamplePhotos.fromAssets(application.assets)
        val plan =
            BenchmarkPlan(chosen.map { (name, read) -> model(name, read) }, requests, limits)
        val packager = chosen.values.firstNotNullOfOrNull { versionOf(it) }
        val benchmark =
            Benchmark(plan, samples.photos, samples.predictions, surroundings, listener)
        return EngineThread.run {
            // Else the first combination's memory would hold its libraries, and the others' not.
            ClassifierModel.loadRuntime()
            benchmark.run(phoneContext(application, packager))
        }
    }

    private fun model(
        name: String,
        read: () -> ClassifierModel,
    ) = BenchmarkModel(name) {
        val model = read()
        LoadedModel(model.spec, model.labels, model.bytes) { model.open(application, it) }
    }

    /** The app's model, and any in a folder of its own. */
    private fun inAssets(): Map<String, () -> ClassifierModel> {
        val assets = application.assets
        val own = { ClassifierModel.fromAssets(application) }
        val name = runCatching { benchmarkName(own().spec) }.getOrDefault(MODEL_NAME)
        val folders =
            assets.list("").orEmpty().filter { MODEL_FILE in assets.list(it).orEmpty() }
        val others =
            folders.associateWith { { ClassifierModel.fromAssets(application, "$it/$MODEL_FILE") } }
        return mapOf(name to own) + others
    }

    private fun inFolder(folder: File): Map<String, () -> ClassifierModel> {
        val files =
            folder
                .listFiles()
                .orEmpty()
                .map { it.resolve(MODEL_FILE) }
                .filter(File::exists)
                .sorted()
        require(files.isNotEmpty()) { "There is no folder with a $MODEL_FILE in $folder." }
        return files.associate { file ->
            file.parentFile!!.name to { ClassifierModel.fromFile(file) }
        }
    }

    private fun versionOf(read: () -> ClassifierModel): String? =
        runCatching { read().spec.packager }.getOrNull()

    private companion object {
        const val MODEL_FILE = "model.tflite"
        const val MODEL_NAME = "model"
    }
}
