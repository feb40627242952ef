package gate

import androidx.camera.core.CameraState
import androidx.camera.core.CameraState.StateError
import androidx.camera.core.CameraState.Type
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import com.example.flowers.camera.CameraFault
import com.example.flowers.camera.faultIn

class CameraFaultTest {
    private fun after(vararg states: CameraState): CameraFault? =
        states.fold(null as CameraFault?) { before, state -> faultIn(state, before) }

    private fun state(
        type: Type,
        code: Int? = null,
        cause: Throwable? = null,
    ) = CameraState.create(type, code?.let { StateError.create(it, cause) })

    @Test
    fun `a camera that opens has no fault`() {
        assertEquals(null, after(state(Type.CLOSED), state(Type.OPENING), state(Type.OPEN)))
    }

    @Test
    fun `a camera that another app has is waited for`() {
        val taken = state(Type.OPENING, CameraState.ERROR_CAMERA_IN_USE)
        assertEquals(CameraFault.InUse, after(taken))
        assertEquals(CameraFault.InUse, after(taken, state(Type.PENDING_OPEN)))
        assertEquals(CameraFault.InUse, after(state(Type.PENDING_OPEN)))
        val many = state(Type.PENDING_OPEN, CameraState.ERROR_MAX_CAMERAS_IN_USE)
        assertEquals(CameraFault.InUse, after(many))
        assertTrue(CameraFault.InUse.passes)
        assertEquals(null, after(taken, state(Type.PENDING_OPEN), state(Type.OPEN)))
    }

    @Test
    fun `what forbids the camera is said, after it was closed too`() {
        val policy = state(Type.CLOSING, CameraState.ERROR_CAMERA_DISABLED)
        assertEquals(CameraFault.Forbidden, after(policy, state(Type.CLOSED)))
        val silence = state(Type.CLOSED, CameraState.ERROR_DO_NOT_DISTURB_MODE_ENABLED)
        assertEquals(CameraFault.DoNotDisturb, after(state(Type.OPENING), silence))
        assertFalse(CameraFault.Forbidden.passes)
    }

    @Test
    fun `a broken camera says why where it knows`() {
        val fatal = CameraState.ERROR_CAMERA_FATAL_ERROR
        val cause = IllegalStateException("the service died")
        assertEquals(
            CameraFault.Broken("the service died"),
            after(state(Type.CLOSING, fatal, cause)),
        )
        assertEquals(CameraFault.Broken(null), after(state(Type.CLOSING, fatal)))
        val streams = state(Type.CLOSING, CameraState.ERROR_STREAM_CONFIG)
        assertEquals(CameraFault.Broken(null), after(streams))
    }

    @Test
    fun `a fault that is tried again isn't said at once`() {
        val again = state(Type.OPENING, CameraState.ERROR_OTHER_RECOVERABLE_ERROR)
        assertEquals(null, after(again))
        assertEquals(CameraFault.InUse, after(again, state(Type.PENDING_OPEN)))
    }
}
