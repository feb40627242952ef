@file:Suppress("UNUSED_PARAMETER")

package androidx.camera.core

import android.graphics.Matrix
import android.util.Size
import androidx.camera.core.resolutionselector.ResolutionSelector
import androidx.camera.lifecycle.FakeCamera
import java.util.concurrent.Executor

// What the stubs declare, before FakeCamera.

abstract class UseCase internal constructor()

class Preview private constructor() : UseCase() {
    internal var provider: SurfaceProvider? = null
    private var rotation = 0

    fun getTargetRotation(): Int = rotation

    fun setTargetRotation(targetRotation: Int) {
        rotation = targetRotation
    }

    fun setSurfaceProvider(surfaceProvider: SurfaceProvider?) {
        provider = surfaceProvider
    }

    fun interface SurfaceProvider {
        fun onSurfaceRequested(request: SurfaceRequest)
    }

    class Builder : ExtendableBuilder<Preview> {
        fun setResolutionSelector(resolutionSelector: ResolutionSelector): Builder = this

        override fun build() = Preview()
    }
}

class SurfaceRequest internal constructor(
    internal val camera: FakeCamera,
)

class ImageAnalysis private constructor() : UseCase() {
    internal var executor: Executor? = null
    internal var analyzer: Analyzer? = null
    private var rotation = 0

    fun getTargetRotation(): Int = rotation

    fun setTargetRotation(targetRotation: Int) {
        rotation = targetRotation
    }

    fun setAnalyzer(
        executor: Executor,
        analyzer: Analyzer,
    ) {
        this.executor = executor
        this.analyzer = analyzer
    }

    fun clearAnalyzer() {
        analyzer = null
    }

    interface Analyzer {
        fun analyze(image: ImageProxy)

        fun getDefaultTargetResolution(): Size? = null

        fun getTargetCoordinateSystem(): Int = 0

        fun updateTransform(matrix: Matrix?) = Unit
    }

    class Builder : ExtendableBuilder<ImageAnalysis> {
        private var format = 0

        fun setBackpressureStrategy(strategy: Int): Builder = this

        fun setOutputImageFormat(outputImageFormat: Int): Builder =
            apply { format = outputImageFormat }

        fun setResolutionSelector(resolutionSelector: ResolutionSelector): Builder = this

        override fun build(): ImageAnalysis {
            check(format == OUTPUT_IMAGE_FORMAT_RGBA_8888) { "the camera gives RGBA here" }
            return ImageAnalysis()
        }
    }

    companion object {
        const val STRATEGY_KEEP_ONLY_LATEST = 0
        const val OUTPUT_IMAGE_FORMAT_RGBA_8888 = 2
    }
}
