// androidx.camera.core.resolutionselector.ResolutionSelector of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core.resolutionselector;

import org.jspecify.annotations.NullMarked;

@NullMarked
public final class ResolutionSelector {
    private ResolutionSelector() {}

    public static final class Builder {
        public Builder() {}

        public Builder setAspectRatioStrategy(AspectRatioStrategy aspectRatioStrategy) {
            throw new UnsupportedOperationException();
        }

        public Builder setResolutionStrategy(ResolutionStrategy resolutionStrategy) {
            throw new UnsupportedOperationException();
        }

        public ResolutionSelector build() {
            throw new UnsupportedOperationException();
        }
    }
}
