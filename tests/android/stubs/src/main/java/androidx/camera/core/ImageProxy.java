// androidx.camera.core.ImageProxy of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core;

import android.graphics.Rect;
import java.nio.ByteBuffer;
import org.jspecify.annotations.NullMarked;

@NullMarked
public interface ImageProxy extends AutoCloseable {
    @Override
    void close();

    Rect getCropRect();

    int getFormat();

    int getHeight();

    int getWidth();

    PlaneProxy[] getPlanes();

    ImageInfo getImageInfo();

    interface PlaneProxy {
        int getRowStride();

        int getPixelStride();

        ByteBuffer getBuffer();
    }
}
