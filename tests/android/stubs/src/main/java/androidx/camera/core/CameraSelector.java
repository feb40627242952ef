// androidx.camera.core.CameraSelector of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core;

import org.jspecify.annotations.NullMarked;

@NullMarked
public final class CameraSelector {
    public static final CameraSelector DEFAULT_BACK_CAMERA = new CameraSelector();
    public static final CameraSelector DEFAULT_FRONT_CAMERA = new CameraSelector();

    private CameraSelector() {}
}
