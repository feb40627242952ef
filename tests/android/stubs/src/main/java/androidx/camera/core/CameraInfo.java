// androidx.camera.core.CameraInfo of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core;

import androidx.lifecycle.LiveData;
import org.jspecify.annotations.NullMarked;

@NullMarked
public interface CameraInfo {
    LiveData<CameraState> getCameraState();
}
