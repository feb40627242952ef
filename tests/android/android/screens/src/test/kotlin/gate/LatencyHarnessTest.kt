package gate

import android.content.ComponentName
import android.os.Bundle
import androidx.test.platform.app.InstrumentationRegistry
import java.io.File
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import com.example.flowers.benchmark.ForegroundActivity
import com.example.flowers.benchmark.LatencyTest

/** The instrumented test of :benchmark, with arguments as `am instrument -e KEY VALUE` gives them. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = AppWithAssets::class, sdk = [36])
class LatencyHarnessTest {
    @get:Rule val phone = OnPhone()

    @Test
    fun itMeasuresWhatIsAskedForAndLeavesItsResults() {
        val folder = Files.output("harness/any").parentFile!!
        run("accelerators" to "CPU,GPU", "threads" to "1,2", "runs" to "20", out(folder))
        assertTrue(folder.resolve("com.example.flowers-benchmarkData.json").isFile)
    }

    @Test
    fun itFailsWhenNothingCanBeMeasured() {
        val folder = Files.output("nothing/any").parentFile!!
        val failure =
            assertThrows(AssertionError::class.java) {
                run("accelerators" to "NPU", "runs" to "20", out(folder))
            }
        assertTrue(failure.message, "NPU" in failure.message!!)
    }

    private fun out(folder: File) = "additionalTestOutputDir" to folder.path

    private fun run(vararg arguments: Pair<String, String>) {
        val application = RuntimeEnvironment.getApplication()
        val activity = ComponentName(application, ForegroundActivity::class.java)
        shadowOf(application.packageManager).addActivityIfNotPresent(activity)
        val given = Bundle().apply { arguments.forEach { (key, value) -> putString(key, value) } }
        val instrumentation = InstrumentationRegistry.getInstrumentation()
        InstrumentationRegistry.registerInstance(instrumentation, given)
        LatencyTest().everyCombination()
    }
}
