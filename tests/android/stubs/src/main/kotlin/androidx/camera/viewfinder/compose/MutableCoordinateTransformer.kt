// androidx.camera.viewfinder.compose.MutableCoordinateTransformer of androidx.camera.viewfinder:viewfinder-compose:1.6.2.

package androidx.camera.viewfinder.compose

import androidx.compose.ui.graphics.Matrix

interface CoordinateTransformer {
    val transformMatrix: Matrix
}

interface MutableCoordinateTransformer : CoordinateTransformer {
    override var transformMatrix: Matrix
}
