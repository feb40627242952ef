// androidx.camera.core.CameraState of androidx.camera:camera-core:1.6.2: what the app uses of it, and its values.

package androidx.camera.core

abstract class CameraState {
    abstract val type: Type

    abstract val error: StateError?

    enum class ErrorType { RECOVERABLE, CRITICAL }

    enum class Type { PENDING_OPEN, OPENING, OPEN, CLOSING, CLOSED }

    abstract class StateError {
        abstract val code: Int

        abstract val cause: Throwable?

        val type: ErrorType
            get() =
                when (code) {
                    ERROR_CAMERA_IN_USE,
                    ERROR_MAX_CAMERAS_IN_USE,
                    ERROR_OTHER_RECOVERABLE_ERROR,
                    -> ErrorType.RECOVERABLE

                    else -> ErrorType.CRITICAL
                }

        companion object {
            @JvmStatic
            @JvmOverloads
            fun create(
                code: Int,
                cause: Throwable? = null,
            ): StateError =
                object : StateError() {
                    override val code = code
                    override val cause = cause
                }
        }
    }

    companion object {
        const val ERROR_MAX_CAMERAS_IN_USE = 1
        const val ERROR_CAMERA_IN_USE = 2
        const val ERROR_OTHER_RECOVERABLE_ERROR = 3
        const val ERROR_STREAM_CONFIG = 4
        const val ERROR_CAMERA_DISABLED = 5
        const val ERROR_CAMERA_FATAL_ERROR = 6
        const val ERROR_DO_NOT_DISTURB_MODE_ENABLED = 7

        @JvmStatic
        @JvmOverloads
        fun create(
            type: Type,
            error: StateError? = null,
        ): CameraState =
            object : CameraState() {
                override val type = type
                override val error = error
            }
    }
}
