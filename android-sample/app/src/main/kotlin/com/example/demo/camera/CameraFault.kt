package com.example.demo.camera

import androidx.camera.core.CameraState
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.LiveData
import androidx.lifecycle.Observer
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.runningFold

/** Why nothing is seen of the camera. */
internal sealed interface CameraFault {
    /** CameraX opens the camera by itself as soon as that is over. */
    val passes: Boolean get() = false

    data object NoCamera : CameraFault

    /** Another app has it. */
    data object InUse : CameraFault {
        override val passes get() = true
    }

    /** The device's owner or its policy allows it to no app. */
    data object Forbidden : CameraFault

    /** Some phones of Android 9 give it to no app while it is on. */
    data object DoNotDisturb : CameraFault

    /** @property reason for people, where it is known. */
    data class Broken(
        val reason: String?,
    ) : CameraFault
}

/** What is wrong as the camera's state changes; null while nothing is. */
internal fun LiveData<CameraState>.faults(owner: LifecycleOwner): Flow<CameraFault?> =
    callbackFlow {
        val observer = Observer<CameraState> { trySend(it) }
        observe(owner, observer)
        awaitClose { removeObserver(observer) }
    }.runningFold<CameraState, CameraFault?>(null) { before, state -> faultIn(state, before) }
        .distinctUntilChanged()

/** What is wrong now that the camera went into [state]; [before] when that says nothing new. */
internal fun faultIn(
    state: CameraState,
    before: CameraFault?,
): CameraFault? {
    val error = state.error
    return when {
        error != null -> faultOf(error, before)
        state.type == CameraState.Type.OPEN -> null
        state.type == CameraState.Type.PENDING_OPEN -> CameraFault.InUse
        else -> before
    }
}

private fun faultOf(
    error: CameraState.StateError,
    before: CameraFault?,
): CameraFault? =
    when (error.code) {
        CameraState.ERROR_CAMERA_IN_USE, CameraState.ERROR_MAX_CAMERAS_IN_USE -> CameraFault.InUse

        CameraState.ERROR_CAMERA_DISABLED -> CameraFault.Forbidden

        CameraState.ERROR_DO_NOT_DISTURB_MODE_ENABLED -> CameraFault.DoNotDisturb

        // It is tried again, and becomes PENDING_OPEN if that doesn't help.
        CameraState.ERROR_OTHER_RECOVERABLE_ERROR -> before

        else -> CameraFault.Broken(error.cause?.message)
    }
