package [[ package ]].core.benchmark

import java.io.File
import java.io.IOException
import kotlin.io.path.createTempDirectory
import kotlin.test.AfterTest
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue
import [[ package ]].core.Accelerator
import [[ package ]].core.Request

class HarnessArgumentsTest {
    private val folder = createTempDirectory("harness").toFile()
    private val file = folder.resolve("file").apply { createNewFile() }

    @AfterTest
    fun clear() {
        folder.deleteRecursively()
    }

    private fun arguments(vararg given: Pair<String, String>) = HarnessArguments(mapOf(*given)::get)

    private fun fault(read: () -> Unit) = assertFailsWith<IllegalArgumentException> { read() }

    @Test
    fun `what isn't given is as in the app`() {
        val blank = listOf("models", "threads", "runs", "timeLimitSeconds", "modelDir", "photoDir")
        for (arguments in listOf(
            arguments(),
            arguments(*blank.map { it to " " }.toTypedArray()),
        )) {
            assertEquals(BenchmarkPlan.DEFAULT_REQUESTS, arguments.requests)
            assertEquals(BenchmarkLimits(), arguments.limits)
            assertNull(arguments.models)
            assertNull(arguments.modelFolder)
            assertNull(arguments.photoFolder)
        }
    }

    @Test
    fun `what is given counts`() {
        val arguments =
            arguments(
                "accelerators" to "cpu, NPU",
                "threads" to "8",
                "runs" to "7",
                "timeLimitSeconds" to "90",
                "modelDir" to "/sdcard/models",
                "photoDir" to "/sdcard/photos",
            )
        assertEquals(
            listOf(Request(Accelerator.CPU, 8), Request(Accelerator.NPU)),
            arguments.requests,
        )
        assertEquals(BenchmarkLimits(runs = 7, runNanos = 90 * SECOND), arguments.limits)
        assertEquals(File("/sdcard/models"), arguments.modelFolder)
        assertEquals(File("/sdcard/photos"), arguments.photoFolder)
    }

    @Test
    fun `names of models stand between commas`() {
        assertEquals(setOf("a b", "c"), arguments("models" to " a b ,, c,a b,").models)
    }

    @Test
    fun `what can't be read is named`() {
        for ((key, text) in listOf(
            "runs" to "many",
            "runs" to "5000000000",
            "timeLimitSeconds" to "1.5",
        )) {
            val error = fault { arguments(key to text).limits }
            assertEquals("$key: \"$text\" is not a whole number, or too large", error.message)
        }
        assertEquals(
            "runs is -1, not at least 1",
            fault { arguments("runs" to "-1").limits }.message,
        )
        assertEquals(
            "the time limit is not above zero",
            fault { arguments("timeLimitSeconds" to "0").limits }.message,
        )
        assertEquals(
            "accelerators: \"DSP\" is not CPU, GPU or NPU",
            fault { arguments("accelerators" to "CPU,DSP").requests }.message,
        )
        fault { arguments("threads" to "0").requests }
    }

    @Test
    fun `the longest time limit is still one`() {
        val longest = arguments("timeLimitSeconds" to "${Int.MAX_VALUE}").limits
        assertEquals(Int.MAX_VALUE * SECOND, longest.runNanos)
    }

    @Test
    fun `results go where it was asked`() {
        val asked = folder.resolve("a/b")
        val arguments = arguments("additionalTestOutputDir" to asked.path)
        assertEquals(asked, arguments.outputFolder { error("nobody asked for these") })
        assertTrue(asked.isDirectory)
    }

    @Test
    fun `or into the first folder that can be written`() {
        val second = folder.resolve("second")
        val places = listOf(file, file.resolve("below"), second, folder)
        assertEquals(second, arguments().outputFolder { places })
    }

    @Test
    fun `a folder that can't be written is named`() {
        val asked = arguments("additionalTestOutputDir" to file.path)
        for (arguments in listOf(asked, arguments())) {
            val error = assertFailsWith<IOException> { arguments.outputFolder { listOf(file) } }
            assertTrue("$file" in error.message.orEmpty())
            assertTrue("additionalTestOutputDir" in error.message.orEmpty())
        }
    }
}
