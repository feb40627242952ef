package gate

import android.os.Build
import com.google.ai.edge.litert.CompiledModel
import java.io.File
import java.util.concurrent.CountDownLatch
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = AppWithAssets::class, sdk = [24, 36])
class PhotoFlowTest {
    @get:Rule val phone = OnPhone()

    @Test
    fun aPhotoIsClassified() {
        AppWithAssets.use("demo")
        RunningApp().use { app ->
            app.pickPhoto(phone.photo)
            app.untilShown(PHOTO)
            app.until("a butterfly") { Screen.texts().any { it.startsWith("butterfly, 9") } }
            app.tap("Back to the camera")
            app.untilShown(CAMERA)
        }
    }

    @Test
    fun aPhotoCannotBeRead() {
        RunningApp().use { app ->
            app.pickPhoto(File("/nowhere.jpg"))
            app.untilShown("Can't open the photo")
            // The graphics that Robolectric has for older versions make up a picture.
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) {
                app.pickPhoto(Files.input("demo.zip"))
                app.untilShown("Can't open the photo")
            }
            app.pickPhoto(phone.photo)
            app.untilShown(PHOTO)
            app.untilClassified()
        }
    }

    @Test
    fun thePhotoIsStillThereWhenThePhoneIsTurnedAndTheProcessEnded() {
        RunningApp().use { app ->
            app.pickPhoto(phone.photo)
            app.untilClassified()
            app.turn(OnPhone.LANDSCAPE)
            app.untilShown(PHOTO)
            app.untilClassified()
            app.endProcessAndReturn()
            app.untilShown(PHOTO)
            app.untilClassified()
            app.back()
            app.untilShown(CAMERA)
        }
    }

    @Test
    fun anAnswerComesAfterTheScreenIsGone() {
        val answer = CountDownLatch(1)
        val asked = CountDownLatch(1)
        val open = CompiledModel.open
        RunningApp(cameraAllowed = false).use { app ->
            app.tap("Benchmark")
            app.back()
            CompiledModel.beforeRun = {
                asked.countDown()
                answer.await()
            }
            app.pickPhoto(phone.photo)
            app.until("the model at work") { asked.count == 0L }
            app.close()
            answer.countDown()
            app.until("a closed model") { CompiledModel.open == open }
        }
    }

    @Test
    fun aModelOpensAfterTheScreenIsGone() {
        val opening = CountDownLatch(1)
        val open = CompiledModel.open
        CompiledModel.beforeOpen = { opening.await() }
        RunningApp().use { app ->
            assertTrue(app.shows("Loading the model"))
            app.close()
            opening.countDown()
            app.until("a closed model") { CompiledModel.open == open }
            assertEquals(open, CompiledModel.open)
        }
    }
}
