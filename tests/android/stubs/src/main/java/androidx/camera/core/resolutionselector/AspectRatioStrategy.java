// androidx.camera.core.resolutionselector.AspectRatioStrategy of androidx.camera:camera-core:1.6.2: what the app uses of it.

package androidx.camera.core.resolutionselector;

import org.jspecify.annotations.NullMarked;

@NullMarked
public final class AspectRatioStrategy {
    public static final int FALLBACK_RULE_AUTO = 1;
    public static final AspectRatioStrategy RATIO_4_3_FALLBACK_AUTO_STRATEGY =
            new AspectRatioStrategy(0, FALLBACK_RULE_AUTO);

    public AspectRatioStrategy(int preferredAspectRatio, int fallbackRule) {}
}
