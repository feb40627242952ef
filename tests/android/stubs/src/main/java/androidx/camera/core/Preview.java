// androidx.camera.core.Preview of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core;

import androidx.camera.core.resolutionselector.ResolutionSelector;
import java.util.concurrent.Executor;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;

@NullMarked
public final class Preview extends UseCase {
    private Preview() {}

    public int getTargetRotation() {
        throw new UnsupportedOperationException();
    }

    public void setTargetRotation(int targetRotation) {
        throw new UnsupportedOperationException();
    }

    public void setSurfaceProvider(@Nullable SurfaceProvider surfaceProvider) {
        throw new UnsupportedOperationException();
    }

    public void setSurfaceProvider(
            Executor executor, @Nullable SurfaceProvider surfaceProvider) {
        throw new UnsupportedOperationException();
    }

    public interface SurfaceProvider {
        void onSurfaceRequested(SurfaceRequest request);
    }

    public static final class Builder implements ExtendableBuilder<Preview> {
        public Builder() {}

        public Builder setResolutionSelector(ResolutionSelector resolutionSelector) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Preview build() {
            throw new UnsupportedOperationException();
        }
    }
}
