@file:Suppress("UNUSED_PARAMETER")

package androidx.camera.core.resolutionselector

import android.util.Size

class ResolutionSelector private constructor() {
    class Builder {
        fun setAspectRatioStrategy(aspectRatioStrategy: AspectRatioStrategy): Builder = this

        fun setResolutionStrategy(resolutionStrategy: ResolutionStrategy): Builder = this

        fun build() = ResolutionSelector()
    }
}

class AspectRatioStrategy(
    preferredAspectRatio: Int,
    fallbackRule: Int,
) {
    companion object {
        @JvmField val RATIO_4_3_FALLBACK_AUTO_STRATEGY = AspectRatioStrategy(0, 1)
    }
}

class ResolutionStrategy(
    boundSize: Size,
    fallbackRule: Int,
)
