package gate

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.os.Bundle
import android.os.Looper
import android.os.SystemClock
import android.view.KeyEvent
import android.view.MotionEvent
import android.view.View
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.compose.ui.platform.AndroidUiDispatcher
import androidx.compose.ui.semantics.ScrollAxisRange
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import java.io.File
import java.time.Duration
import kotlin.coroutines.ContinuationInterceptor
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowChoreographer
import org.robolectric.util.ReflectionHelpers
import com.example.flowers.MainActivity

/** The app's activity, used as a person uses it. */
class RunningApp(
    cameraAllowed: Boolean = true,
) : AutoCloseable {
    private val application = RuntimeEnvironment.getApplication()
    private val looper = shadowOf(Looper.getMainLooper())
    private var controller: ActivityController<MainActivity>

    val activity: MainActivity get() = controller.get()

    init {
        // Else an endless animation is drawn again and again before any time passes.
        ShadowChoreographer.setPaused(true)
        ShadowChoreographer.setFrameDelay(FRAME)
        resetComposeDispatcher()
        if (cameraAllowed) allowCamera()
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        pass(SETTLED)
    }

    /** Lets time pass on the phone, frame by frame; the camera takes a picture in each. */
    fun pass(millis: Long) {
        repeat((millis / FRAME.toMillis()).toInt().coerceAtLeast(1)) {
            ProcessCameraProvider.shoot()
            looper.idleFor(FRAME)
            // Compose lays out when it draws, and Robolectric draws for pictures only.
            Screen.windows.flatMap(Screen::roots).forEach { it.measureAndLayoutForTest() }
        }
    }

    /** Waits for what other threads do. */
    fun until(
        what: String,
        seconds: Int = 30,
        condition: () -> Boolean,
    ) {
        val end = System.nanoTime() + seconds * 1_000_000_000L
        while (!condition()) {
            if (System.nanoTime() > end) {
                throw AssertionError("no $what in $seconds s, but ${Screen.texts()}")
            }
            pass(2 * FRAME.toMillis())
            Thread.sleep(2)
        }
        pass(SETTLED)
    }

    fun untilShown(text: String) = until("\"$text\"") { shows(text) }

    /** Until a class with its score is shown. */
    fun untilClassified() = until("classes") { Screen.texts().any { it.endsWith("%") } }

    fun shows(text: String) = Screen.texts().any { text in it }

    /** By a touch in the middle of it, after scrolling to it where that's needed. */
    fun tap(text: String) {
        scrollTo(text)
        val button = Screen.button(text)
        check(SemanticsProperties.Disabled !in button.config) { "\"$text\" is disabled" }
        touch(button)
        pass(SETTLED)
    }

    fun scrollTo(text: String) {
        val pane =
            generateSequence(Screen.node(text)) { it.parent }
                .firstOrNull { SemanticsActions.ScrollBy in it.config } ?: return
        val range: ScrollAxisRange =
            pane.config.getOrNull(SemanticsProperties.VerticalScrollAxisRange) ?: return
        repeat(MOST_SCROLLS) {
            if (Screen.node(text).isWhole()) return
            if (range.value() >= range.maxValue()) return
            pane.config[SemanticsActions.ScrollBy].action?.invoke(0f, pane.size.height / 3f)
            // A finger that comes down while it still moves only stops it.
            pass(1500)
        }
    }

    fun pickPhoto(file: File) {
        tap("Choose a photo")
        val asked = shadowOf(activity).nextStartedActivityForResult
        shadowOf(activity).receiveResult(
            asked.intent,
            Activity.RESULT_OK,
            Intent().setData(Photos.uri(file)),
        )
        pass(SETTLED)
    }

    /** What Android's own question comes to; [again] whether it may be asked once more. */
    @Suppress("DEPRECATION") // It is how Android tells it.
    fun answerPermission(
        allowed: Boolean,
        again: Boolean = true,
    ) {
        val asked = shadowOf(activity).lastRequestedPermission
        val permissions = asked.requestedPermissions
        check(permissions.toList() == listOf(Manifest.permission.CAMERA))
        if (allowed) allowCamera()
        shadowOf(application.packageManager)
            .setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, again)
        val result =
            if (allowed) PackageManager.PERMISSION_GRANTED else PackageManager.PERMISSION_DENIED
        // As it is when Android dispatches the result by itself.
        ReflectionHelpers.setField(activity, "mHasCurrentPermissionsRequest", false)
        activity.onRequestPermissionsResult(asked.requestCode, permissions, intArrayOf(result))
        pass(SETTLED)
    }

    fun allowCamera() {
        shadowOf(application).grantPermissions(Manifest.permission.CAMERA)
    }

    /** To the window on top. */
    fun back() {
        val top = Screen.windows.last()
        if (top === activity.window.decorView) {
            activity.onBackPressedDispatcher.onBackPressed()
        } else {
            for (action in listOf(KeyEvent.ACTION_DOWN, KeyEvent.ACTION_UP)) {
                top.dispatchKeyEvent(KeyEvent(action, KeyEvent.KEYCODE_BACK))
            }
        }
        pass(2 * SETTLED)
    }

    /** Turns the phone; Android makes the activity anew. */
    fun turn(qualifiers: String) {
        RuntimeEnvironment.setQualifiers(qualifiers)
        controller.configurationChange(application.resources.configuration)
        if (activity.window.decorView.parent == null) controller.visible()
        pass(SETTLED)
    }

    /** Ends the process in the background, as Android does for memory, and comes back. */
    fun endProcessAndReturn() {
        val saved = Bundle()
        controller.pause().stop().saveInstanceState(saved)
        controller.destroy()
        pass(SETTLED)
        resetComposeDispatcher()
        controller = Robolectric.buildActivity(MainActivity::class.java).setup(saved)
        pass(SETTLED)
    }

    fun leave() {
        controller.pause().stop()
        pass(SETTLED)
    }

    fun comeBack() {
        controller.start().resume()
        pass(SETTLED)
    }

    /** Android takes the activity away. */
    override fun close() {
        if (!activity.isDestroyed) controller.pause().stop().destroy()
        // What waits in the queue would be lost with it, and Compose wait for it for ever.
        pass(SETTLED)
    }

    private fun touch(node: SemanticsNode) {
        val middle = node.boundsInRoot.center
        val view = node.root as View
        val time = SystemClock.uptimeMillis()
        for (action in listOf(MotionEvent.ACTION_DOWN, MotionEvent.ACTION_UP)) {
            val event = MotionEvent.obtain(time, time, action, middle.x, middle.y, 0)
            view.dispatchTouchEvent(event)
            event.recycle()
        }
    }

    private companion object {
        val FRAME: Duration = Duration.ofMillis(16)

        /** Longer than animations last. */
        const val SETTLED = 600L
        const val MOST_SCROLLS = 30
    }
}

fun SemanticsNode.isWhole() =
    boundsInRoot.height >= size.height - 1 && boundsInRoot.width >= size.width - 1

/** One for all tests; it would wait for ever for what was posted when the last one ended. */
private fun resetComposeDispatcher() {
    val dispatcher = AndroidUiDispatcher.Main[ContinuationInterceptor]!!
    for (name in listOf("scheduledTrampolineDispatch", "scheduledFrameDispatch")) {
        val field = dispatcher.javaClass.getDeclaredField(name)
        field.isAccessible = true
        field.setBoolean(dispatcher, false)
    }
}

/** What the two pictures are called for who can't see them. */
const val CAMERA = "Camera preview"
const val PHOTO = "Selected photo"
