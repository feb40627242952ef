package androidx.camera.core

class CameraSelector private constructor(
    internal val lens: String,
) {
    companion object {
        @JvmField val DEFAULT_BACK_CAMERA = CameraSelector("back")

        @JvmField val DEFAULT_FRONT_CAMERA = CameraSelector("front")
    }
}
