package gate

import android.view.Surface
import androidx.camera.lifecycle.ProcessCameraProvider
import com.google.ai.edge.litert.CompiledModel
import java.util.concurrent.CountDownLatch
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = AppWithAssets::class, sdk = [36])
class CameraFramesTest {
    @get:Rule val phone = OnPhone()

    @Test
    fun framesOfAnyRotationAndPaddingAreTheSamePicture() {
        AppWithAssets.use("demo")
        val upright = classes()
        assertTrue("$upright", upright.first().startsWith("butterfly, 9"))
        for (degrees in listOf(0, 90, 180, 270)) {
            for (padding in listOf(0, 64)) {
                phone.pointCamera(degrees, padding)
                assertEquals("$degrees degrees, $padding bytes", upright, classes())
            }
        }
    }

    @Test
    fun aSlowModelGetsTheNewestFrameAndNoQueue() {
        val camera = checkNotNull(ProcessCameraProvider.camera)
        RunningApp().use { app ->
            app.untilClassified()
            val going = CountDownLatch(1)
            CompiledModel.beforeRun = { going.await() }
            app.pass(FRAME_MILLIS)
            val dropped = camera.dropped.get()
            app.pass(100 * FRAME_MILLIS)
            assertTrue("${camera.dropped} dropped", camera.dropped.get() >= dropped + 99)
            val sent = camera.sent.get() - camera.dropped.get()
            going.countDown()
            app.until("another frame") { camera.sent.get() - camera.dropped.get() > sent }
        }
    }

    @Test
    fun theCameraFollowsATurnThatMakesNoNewActivity() {
        RunningApp().use { app ->
            app.untilClassified()
            val activity = app.activity
            assertEquals(Surface.ROTATION_0, rotation())
            for (turned in listOf(Surface.ROTATION_180, Surface.ROTATION_0)) {
                shadowOf(activity.window.decorView.display).setRotation(turned)
                app.until("rotation $turned") { rotation() == turned }
                assertEquals(turned, ProcessCameraProvider.boundPreview?.getTargetRotation())
                assertSame(activity, app.activity)
            }
            app.untilClassified()
        }
    }

    @Test
    fun noFrameIsTakenWhileAPhotoIsShown() {
        val camera = checkNotNull(ProcessCameraProvider.camera)
        RunningApp().use { app ->
            app.untilClassified()
            app.pickPhoto(phone.photo)
            app.untilShown(PHOTO)
            assertEquals(null, ProcessCameraProvider.bound)
            val sent = camera.sent.get()
            app.pass(10 * FRAME_MILLIS)
            assertEquals(sent, camera.sent.get())
        }
    }

    private fun rotation() = ProcessCameraProvider.bound?.getTargetRotation()

    private fun classes(): List<String> =
        RunningApp().use { app ->
            app.untilClassified()
            Screen.texts().filter { it.endsWith("%") }
        }

    private companion object {
        const val FRAME_MILLIS = 16L
    }
}
