// androidx.camera.core.ImageAnalysis of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core;

import android.graphics.Matrix;
import android.util.Size;
import androidx.camera.core.resolutionselector.ResolutionSelector;
import java.util.concurrent.Executor;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;

@NullMarked
public final class ImageAnalysis extends UseCase {
    public static final int STRATEGY_KEEP_ONLY_LATEST = 0;
    public static final int OUTPUT_IMAGE_FORMAT_RGBA_8888 = 2;

    private ImageAnalysis() {}

    public int getTargetRotation() {
        throw new UnsupportedOperationException();
    }

    public void setTargetRotation(int targetRotation) {
        throw new UnsupportedOperationException();
    }

    public void setAnalyzer(Executor executor, Analyzer analyzer) {
        throw new UnsupportedOperationException();
    }

    public void clearAnalyzer() {
        throw new UnsupportedOperationException();
    }

    public interface Analyzer {
        void analyze(ImageProxy image);

        default @Nullable Size getDefaultTargetResolution() {
            throw new UnsupportedOperationException();
        }

        default int getTargetCoordinateSystem() {
            throw new UnsupportedOperationException();
        }

        default void updateTransform(@Nullable Matrix matrix) {
            throw new UnsupportedOperationException();
        }
    }

    public static final class Builder implements ExtendableBuilder<ImageAnalysis> {
        public Builder() {}

        public Builder setBackpressureStrategy(int strategy) {
            throw new UnsupportedOperationException();
        }

        public Builder setOutputImageFormat(int outputImageFormat) {
            throw new UnsupportedOperationException();
        }

        public Builder setResolutionSelector(ResolutionSelector resolutionSelector) {
            throw new UnsupportedOperationException();
        }

        @Override
        public ImageAnalysis build() {
            throw new UnsupportedOperationException();
        }
    }
}
