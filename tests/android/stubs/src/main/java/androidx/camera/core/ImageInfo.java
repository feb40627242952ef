// androidx.camera.core.ImageInfo of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core;

import org.jspecify.annotations.NullMarked;

@NullMarked
public interface ImageInfo {
    int getRotationDegrees();

    long getTimestamp();
}
