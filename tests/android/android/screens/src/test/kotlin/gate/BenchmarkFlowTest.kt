package gate

import android.content.Intent
import android.net.Uri
import com.google.ai.edge.litert.CompiledModel
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicBoolean
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = AppWithAssets::class, sdk = [36])
class BenchmarkFlowTest {
    @get:Rule val phone = OnPhone()

    @Test
    fun itIsFollowedToItsEndAndShared() {
        RunningApp().use { app ->
            app.tap("Benchmark")
            app.tap("Runs per configuration: 20")
            app.tap("Start")
            app.untilShown("of 5: CPU, threads")
            app.until("results", seconds = 120) { app.shows(SHARE) }
            app.tap(SHARE)
            shared().let { (name, bytes) ->
                assertEquals("benchmarkData.json", name)
                Files.output("shared-benchmarkData.json").writeBytes(bytes)
            }
            app.back()
            app.untilShown(CAMERA)
            app.untilClassified()
        }
    }

    @Test
    fun whatWasMeasuredBeforeAStopIsKept() {
        held { app, going ->
            app.tap("Stop")
            going.countDown()
            app.until("results", seconds = 60) { app.shows(SHARE) }
            app.tap(SHARE)
            assertTrue("the benchmark was stopped" in String(shared().second))
        }
    }

    @Test
    fun itGoesOnWhenThePhoneIsTurned() {
        held { app, going ->
            app.turn(OnPhone.LANDSCAPE)
            app.untilShown("of 5: CPU, threads")
            going.countDown()
            app.until("results", seconds = 120) { app.shows(SHARE) }
            assertFalse(app.shows("The results are incomplete"))
        }
    }

    @Test
    fun theResultsAreThereWhenTheProcessWasEnded() {
        held { app, going ->
            app.tap("Stop")
            going.countDown()
            app.until("results", seconds = 60) { app.shows(SHARE) }
            val shown = Screen.texts()
            app.endProcessAndReturn()
            app.until("results") { app.shows(SHARE) }
            assertEquals(shown, Screen.texts())
            app.untilShown("The results are incomplete: the benchmark was stopped.")
            app.tap(SHARE)
            assertTrue("the benchmark was stopped" in String(shared().second))
        }
    }

    @Test
    fun aRunThatItsProcessTookAlongIsSaidToBeLost() {
        held { app, going ->
            app.endProcessAndReturn()
            app.untilShown("Android stopped the app")
            assertFalse(app.shows(SHARE))
            going.countDown()
            app.tap("Runs per configuration: 20")
            app.tap("Start")
            app.until("results", seconds = 120) { app.shows(SHARE) }
            assertFalse(app.shows("Android stopped the app"))
        }
    }

    @Test
    fun itStopsWhenItsScreenIsLeft() {
        held { app, going ->
            app.back()
            going.countDown()
            app.untilShown(CAMERA)
            app.untilClassified()
        }
    }

    /** In the middle of it, and waiting in a run. */
    private fun held(then: (RunningApp, CountDownLatch) -> Unit) {
        val held = AtomicBoolean()
        val going = CountDownLatch(1)
        RunningApp().use { app ->
            app.untilClassified()
            app.tap("Benchmark")
            app.tap("Runs per configuration: 20")
            CompiledModel.beforeRun = {
                if (held.get()) going.await() else Thread.sleep(SLOW_RUN_MILLIS)
            }
            app.tap("Start")
            app.until("measuring") { app.shows("Measuring").also { held.set(it) } }
            then(app, going)
        }
    }

    private fun shared(): Pair<String, ByteArray> {
        val application = RuntimeEnvironment.getApplication()
        val chooser = shadowOf(application).nextStartedActivity
        assertEquals(Intent.ACTION_CHOOSER, chooser.action)
        @Suppress("DEPRECATION") // The others are of Android 13.
        val send = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        assertEquals("application/json", send.type)
        @Suppress("DEPRECATION")
        val uri = send.getParcelableExtra<Uri>(Intent.EXTRA_STREAM)!!
        assertTrue(send.flags and Intent.FLAG_GRANT_READ_URI_PERMISSION != 0)
        val bytes = application.contentResolver.openInputStream(uri)!!.use { it.readBytes() }
        return uri.lastPathSegment!! to bytes
    }

    private companion object {
        const val SHARE = "Share results"

        /** So that each is seen, however fast the computer is. */
        const val SLOW_RUN_MILLIS = 30L
    }
}
