package com.example.demo.benchmark

import android.content.Context
import android.os.Bundle
import androidx.test.core.app.ActivityScenario
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import java.io.File
import org.junit.Assert.fail
import org.junit.Test
import org.junit.runner.RunWith
import com.example.demo.core.benchmark.BenchmarkListener
import com.example.demo.core.benchmark.BenchmarkProgress
import com.example.demo.core.benchmark.BenchmarkReport
import com.example.demo.core.benchmark.BenchmarkStep
import com.example.demo.core.benchmark.HarnessArguments
import com.example.demo.core.benchmark.writeWhole

/**
 * Measures every model on every accelerator, and writes what it found where Gradle fetches it.
 *
 * `adb shell am instrument -e KEY VALUE` changes what is measured; see [HarnessArguments].
 */
@RunWith(AndroidJUnit4::class)
class LatencyTest {
    private val instrumentation = InstrumentationRegistry.getInstrumentation()

    @Test
    fun everyCombination() {
        val context = instrumentation.targetContext
        val arguments = HarnessArguments(InstrumentationRegistry.getArguments()::getString)
        val folder = arguments.outputFolder { fetchedFolders(context) }
        val file = folder.resolve("${context.packageName}-$FILE_NAME")
        // On top, with the screen on, the phone gives it the processor that it gives an app.
        ActivityScenario.launch(ForegroundActivity::class.java).use {
            val report = benchmark(context, arguments).run(Telling(file))
            val measured = report.measurements.filter { it.runs != null }
            if (measured.isEmpty()) {
                fail(
                    report.measurements.joinToString("\n", "Nothing could be measured.\n") {
                        "${it.combination}: ${it.skipped}"
                    },
                )
            }
        }
    }

    private fun benchmark(
        context: Context,
        arguments: HarnessArguments,
    ) = PhoneBenchmark(
        context,
        arguments.requests,
        arguments.limits,
        arguments.models,
        arguments.modelFolder,
        arguments.photoFolder,
    )

    /** Those that adb can fetch from, the best first. */
    @Suppress("DEPRECATION") // Other ways to an app's media lead through the media store.
    private fun fetchedFolders(context: Context): List<File> =
        listOfNotNull(
            context.externalMediaDirs.firstOrNull(),
            context.getExternalFilesDir(null),
            context.filesDir,
        )

    /** Keeps the results so far, and tells the computer at the other end. */
    private inner class Telling(
        private val file: File,
    ) : BenchmarkListener {
        override fun onProgress(progress: BenchmarkProgress) {
            val title = progress.combination.title
            val detail =
                when (progress.step) {
                    BenchmarkStep.COOLING_DOWN -> "cooling down, ${progress.done} s"
                    BenchmarkStep.OPENING -> "opening the model"
                    BenchmarkStep.WARMING_UP -> "warm-up ${progress.done}"
                    BenchmarkStep.MEASURING -> "run ${progress.done} of ${progress.total}"
                }
            send(COMBINATION to "$title: $detail", COMBINATIONS to "${progress.count}")
        }

        override fun onMeasured(report: BenchmarkReport) {
            writeWhole(file, report.toJson())
            val last = report.measurements.last()
            send(
                DONE to (last.skipped?.let { "${last.combination}: $it" } ?: last.combination),
                "additionalTestOutputFile_${file.nameWithoutExtension}" to file.path,
            )
        }

        private fun send(vararg values: Pair<String, String>) {
            val status = Bundle()
            for ((key, value) in values) status.putString(key, value)
            instrumentation.sendStatus(IN_PROGRESS, status)
        }
    }

    private companion object {
        const val FILE_NAME = "benchmarkData.json"
        const val COMBINATION = "packager.combination"
        const val COMBINATIONS = "packager.combinations"
        const val DONE = "packager.done"

        /** Of a status that neither begins nor ends a test. */
        const val IN_PROGRESS = 2
    }
}
