package gate

import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.compose.ui.semantics.getAllSemanticsNodes
import com.google.ai.edge.litert.CompiledModel
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Each state of the app, drawn as NAME.png and looked over for what can be measured. */
@RunWith(ParameterizedRobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(
    application = AppWithAssets::class,
    sdk = [36],
    shadows = [CountedTime::class],
)
class PicturesTest(
    private val device: String,
    private val qualifiers: String,
    private val fontScale: Float,
) {
    @get:Rule val phone = OnPhone()

    private val faults = mutableListOf<String>()

    @Before
    fun prepare() {
        RuntimeEnvironment.setQualifiers(qualifiers)
        RuntimeEnvironment.setFontScale(fontScale)
        AppWithAssets.use("demo")
        phone.pointCamera()
        CompiledModel.beforeRun = { CountedTime.run(RUN_NANOS) }
    }

    @After
    fun report() = assertEquals(emptyList<String>(), faults)

    @Test
    fun camera() {
        val open = CountDownLatch(1)
        CompiledModel.beforeOpen = { open.await() }
        RunningApp().use { app ->
            picture(app, "loading")
            open.countDown()
            app.until("classes") { app.shows("%") }
            picture(app, "camera")
        }
    }

    @Test
    fun photo() {
        RunningApp().use { app ->
            app.pickPhoto(phone.photo)
            app.until("classes of the photo") { app.shows("Selected photo") && app.shows("%") }
            picture(app, "photo")
            app.pickPhoto(File("/nowhere.jpg"))
            app.untilShown("Can't open the photo")
            picture(app, "photo-failed")
        }
    }

    @Test
    fun engine() {
        RunningApp().use { app ->
            app.until("classes") { app.shows("%") }
            app.tap("Engine settings")
            app.untilShown("In use")
            picture(app, "engine")
            app.tap("GPU")
            app.untilShown("Not available: ")
            app.until("classes behind the sheet") {
                Screen.windows.flatMap(Screen::roots).any { root ->
                    val nodes = root.semanticsOwner.getAllSemanticsNodes(true)
                    nodes.any { node -> node.words.any { it.endsWith("%") } }
                }
            }
            picture(app, "engine-refused")
        }
    }

    @Test
    fun permission() {
        RunningApp(cameraAllowed = false).use { app ->
            picture(app, "permission")
            app.tap("Allow camera")
            app.answerPermission(allowed = false, again = false)
            picture(app, "permission-blocked")
        }
    }

    @Test
    fun failures() {
        CompiledModel.beforeOpen =
            { throw UnsatisfiedLinkError("dlopen failed: library \"libLiteRt.so\" not found") }
        RunningApp().use { app ->
            app.untilShown("Can't load the model")
            picture(app, "model-failed")
        }
        CompiledModel.beforeOpen = {}
        ProcessCameraProvider.camera = null
        RunningApp().use { app ->
            app.untilShown("no usable camera")
            picture(app, "no-camera")
        }
    }

    @Test
    fun benchmark() {
        val runs = AtomicInteger()
        val going = CountDownLatch(1)
        RunningApp(cameraAllowed = false).use { app ->
            app.tap("Benchmark")
            picture(app, "benchmark")
            CompiledModel.beforeRun = { threads ->
                val run = runs.incrementAndGet()
                if (run == HELD_RUN) going.await()
                CountedTime.run(RUN_NANOS / threads + run % 7 * JITTER_NANOS)
            }
            app.tap("Runs per configuration: 20")
            app.tap("Start")
            app.until("the run that is held") { runs.get() == HELD_RUN && app.shows("Measuring") }
            picture(app, "benchmark-running")
            going.countDown()
            app.until("results", 120) { app.shows("Share results") }
            picture(app, "benchmark-done")
        }
    }

    @Test
    fun longName() = labels("long")

    @Test
    fun oneClass() = labels("one")

    @Test
    fun thousandClasses() = labels("thousand")

    @Test
    fun arabic() = labels("arabic")

    private fun labels(assets: String) {
        if (device !in LABELS.getValue(assets)) return
        AppWithAssets.use(assets)
        RunningApp().use { app ->
            app.pickPhoto(phone.photo)
            app.until("classes of the photo") { app.shows("Selected photo") && app.shows("%") }
            picture(app, "labels-$assets")
        }
    }

    private fun picture(
        app: RunningApp,
        state: String,
    ) {
        app.pass(64)
        val picture = draw(app.activity)
        picture.save("$device-$state")
        faults += faults(picture).map { "$device-$state: $it" }
    }

    companion object {
        private const val RUN_NANOS = 6_400_000L
        private const val JITTER_NANOS = 90_000L
        private const val HELD_RUN = 40

        /** What each list of labels is shown on. */
        private val LABELS =
            mapOf(
                "long" to setOf("phone-light", "phone-font2", "phone-landscape"),
                "one" to setOf("phone-light"),
                "thousand" to setOf("phone-light"),
                "arabic" to setOf("phone-rtl"),
            )

        @JvmStatic
        @ParameterizedRobolectricTestRunner.Parameters(name = "{0}")
        fun devices(): List<Array<Any>> =
            listOf<Array<Any>>(
                arrayOf("phone-light", "w411dp-h914dp-port-notnight-hdpi", 1f),
                arrayOf("phone-dark", "w411dp-h914dp-port-night-hdpi", 1f),
                arrayOf("phone-landscape", "w914dp-h411dp-land-notnight-hdpi", 1f),
                arrayOf("phone-font2", "w411dp-h914dp-port-notnight-mdpi", 2f),
                arrayOf("phone-rtl", "ar-ldrtl-w411dp-h914dp-port-notnight-mdpi", 1f),
                arrayOf("phone-small", "w320dp-h568dp-port-notnight-mdpi", 1.3f),
                arrayOf("tablet-portrait", "w800dp-h1280dp-port-notnight-mdpi", 1f),
                arrayOf("tablet-landscape", "w1280dp-h800dp-land-night-mdpi", 1f),
            )
    }
}
