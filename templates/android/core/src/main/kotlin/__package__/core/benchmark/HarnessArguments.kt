package [[ package ]].core.benchmark

import java.io.File
import java.io.IOException
import [[ package ]].core.Request

/**
 * What the harness was given, by [given]; what is blank counts as missing:
 *
 * - `models`: names with commas between; all when it isn't there
 * - `accelerators`: of CPU,GPU,NPU; `threads`: such as 1,2,4
 * - `runs`, `timeLimitSeconds`: of each combination
 * - `modelDir`: a folder with a folder for each model; `photoDir`: one with photos/ and
 *   predictions.json
 * - `additionalTestOutputDir`: where the results go; Gradle gives and fetches it
 *
 * Its properties throw IllegalArgumentException, which says what can't be read.
 */
class HarnessArguments(
    private val given: (key: String) -> String?,
) {
    val requests: List<Request>
        get() = BenchmarkPlan.requests(text("accelerators"), text("threads"))

    val limits: BenchmarkLimits
        get() {
            val usual = BenchmarkLimits()
            return usual.copy(
                runs = number("runs") ?: usual.runs,
                runNanos =
                    number("timeLimitSeconds")?.times(NANOS_PER_SECOND) ?: usual.runNanos,
            )
        }

    /** Null for all that are there. */
    val models: Set<String>? get() = text("models")?.let(BenchmarkPlan::words)?.toSet()

    val modelFolder: File? get() = text("modelDir")?.let(::File)

    val photoFolder: File? get() = text("photoDir")?.let(::File)

    /**
     * The one that was asked for, or the first of [places] that can be written.
     *
     * Throws IOException when there is none.
     */
    fun outputFolder(places: () -> List<File>): File {
        val tried = text(OUTPUT)?.let { listOf(File(it)) } ?: places()
        return tried.firstOrNull { (it.isDirectory || it.mkdirs()) && it.canWrite() }
            ?: throw IOException("$tried can't be written. Give another folder as $OUTPUT.")
    }

    private fun text(key: String): String? = given(key)?.takeIf(String::isNotBlank)

    private fun number(key: String): Int? =
        text(key)?.let { text ->
            requireNotNull(text.trim().toIntOrNull()) {
                "$key: \"$text\" is not a whole number, or too large"
            }
        }

    private companion object {
        const val OUTPUT = "additionalTestOutputDir"
    }
}
