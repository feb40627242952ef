package gate

import androidx.camera.core.CameraState
import androidx.camera.lifecycle.ProcessCameraProvider
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
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
@Config(application = AppWithAssets::class, sdk = [24, 36])
class StartFlowTest {
    @get:Rule val phone = OnPhone()

    @Test
    @Config(sdk = [NEWEST])
    fun whatTheCameraSeesIsClassified() {
        RunningApp().use { app ->
            app.untilClassified()
            assertEquals(true, app.shows(CAMERA))
        }
    }

    @Test
    @Config(sdk = [NEWEST])
    fun theCameraIsRefusedAndThenAllowed() {
        RunningApp(cameraAllowed = false).use { app ->
            app.untilShown("Allow camera access?")
            app.tap("Allow camera")
            app.answerPermission(allowed = false)
            app.untilShown("Allow camera access?")
            app.tap("Allow camera")
            app.answerPermission(allowed = true)
            app.untilShown(CAMERA)
            app.untilClassified()
        }
    }

    @Test
    fun theCameraIsRefusedForGoodAndAllowedInTheSettings() {
        RunningApp(cameraAllowed = false).use { app ->
            app.tap("Allow camera")
            app.answerPermission(allowed = false, again = false)
            app.untilShown("Camera access is denied")
            assertFalse(app.shows("Allow camera access?"))
            app.tap("Open settings")
            val settings = shadowOf(RuntimeEnvironment.getApplication()).nextStartedActivity
            assertEquals("android.settings.APPLICATION_DETAILS_SETTINGS", settings.action)
            assertEquals("package:com.example.flowers", settings.dataString)
            app.leave()
            app.allowCamera()
            app.comeBack()
            app.untilShown(CAMERA)
        }
    }

    @Test
    fun aPhotoIsChosenInsteadOfTheCamera() {
        RunningApp(cameraAllowed = false).use { app ->
            app.pickPhoto(phone.photo)
            app.untilShown(PHOTO)
            app.untilClassified()
            app.back()
            app.untilShown("Allow camera access?")
        }
    }

    @Test
    fun thereIsNoCamera() {
        ProcessCameraProvider.camera = null
        RunningApp().use { app ->
            app.untilShown("no usable camera")
            assertFalse("what can't help is not offered", app.shows("Try again"))
            app.pickPhoto(phone.photo)
            app.untilClassified()
        }
    }

    @Test
    @Config(sdk = [NEWEST])
    fun theCameraCannotBeOpened() {
        ProcessCameraProvider.failure = IllegalArgumentException("no such surface")
        RunningApp().use { app ->
            app.untilShown("no such surface")
            ProcessCameraProvider.failure = null
            app.tap("Try again")
            app.untilShown(CAMERA)
            app.untilClassified()
        }
    }

    @Test
    @Config(sdk = [NEWEST])
    fun anotherAppHasTheCamera() {
        RunningApp().use { app ->
            app.untilClassified()
            ProcessCameraProvider.state.value = CameraState.create(CameraState.Type.PENDING_OPEN)
            app.untilShown("Another app is using the camera")
            ProcessCameraProvider.state.value = CameraState.create(CameraState.Type.OPEN)
            app.until("the camera again") { !app.shows("Another app") }
            app.untilClassified()
        }
    }

    @Test
    fun thePhoneIsTurnedAndTheProcessEnded() {
        RunningApp(cameraAllowed = false).use { app ->
            app.tap("Allow camera")
            app.answerPermission(allowed = false, again = false)
            app.turn(OnPhone.LANDSCAPE)
            app.untilShown("Open settings")
            app.endProcessAndReturn()
            app.untilShown("Open settings")
            app.back()
            assertEquals(true, app.activity.isFinishing)
        }
    }

    private companion object {
        /** Frames can't be drawn where Robolectric has no native graphics. */
        const val NEWEST = 36
    }
}
