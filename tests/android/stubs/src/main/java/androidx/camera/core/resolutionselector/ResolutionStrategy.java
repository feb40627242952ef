// androidx.camera.core.resolutionselector.ResolutionStrategy of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core.resolutionselector;

import android.util.Size;
import org.jspecify.annotations.NullMarked;

@NullMarked
public final class ResolutionStrategy {
    public static final int FALLBACK_RULE_CLOSEST_HIGHER_THEN_LOWER = 1;

    public ResolutionStrategy(Size boundSize, int fallbackRule) {}
}
