package com.example.demo.benchmark

import android.content.Context
import android.os.Bundle
import java.io.File
import java.io.IOException
import com.example.demo.core.benchmark.BenchmarkLimits
import com.example.demo.core.benchmark.BenchmarkPlan

/**
 * What the instrumentation was given:
 *
 * - `models`: names with commas between; all when it isn't there
 * - `accelerators`: of CPU,GPU,NPU; `threads`: such as 1,2,4
 * - `runs`, `timeLimitSeconds`: of each combination
 * - `modelDir`: a folder with a folder for each model; `photoDir`: one with photos/ and
 *   predictions.json
 * - `additionalTestOutputDir`: where the results go; Gradle gives and fetches it
 */
internal class HarnessArguments(
    private val arguments: Bundle,
) {
    fun benchmark(context: Context): PhoneBenchmark {
        val limits = BenchmarkLimits()
        return PhoneBenchmark(
            context,
            requests = BenchmarkPlan.requests(text("accelerators"), text("threads")),
            limits =
                limits.copy(
                    runs = number("runs")?.toInt() ?: limits.runs,
                    runNanos =
                        number("timeLimitSeconds")?.times(NANOS_PER_SECOND) ?: limits.runNanos,
                ),
            models = text("models")?.split(',')?.map(String::trim)?.toSet(),
            modelFolder = text("modelDir")?.let(::File),
            photoFolder = text("photoDir")?.let(::File),
        )
    }

    /** The one that was asked for, or the first one that can be written and fetched by adb. */
    @Suppress("DEPRECATION") // Other ways to an app's media lead through the media store.
    fun outputFolder(context: Context): File {
        val asked = text(OUTPUT)?.let(::File)
        val places =
            if (asked != null) {
                listOf(asked)
            } else {
                listOfNotNull(
                    context.externalMediaDirs.firstOrNull(),
                    context.getExternalFilesDir(null),
                    context.filesDir,
                )
            }
        return places.firstOrNull { (it.isDirectory || it.mkdirs()) && it.canWrite() }
            ?: throw IOException("$places can't be written. Give another folder as $OUTPUT.")
    }

    private fun text(key: String): String? = arguments.getString(key)?.takeIf(String::isNotBlank)

    private fun number(key: String): Long? =
        text(key)?.let { text ->
            requireNotNull(text.toLongOrNull()) { "$key: \"$text\" is not a whole number" }
        }

    private companion object {
        const val OUTPUT = "additionalTestOutputDir"
        const val NANOS_PER_SECOND = 1_000_000_000L
    }
}
