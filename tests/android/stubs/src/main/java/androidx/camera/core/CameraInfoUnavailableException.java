// androidx.camera.core.CameraInfoUnavailableException of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core;

import org.jspecify.annotations.NullMarked;

@NullMarked
public final class CameraInfoUnavailableException extends Exception {
    CameraInfoUnavailableException(String message) {
        super(message);
    }
}
