// androidx.camera.viewfinder.core.ImplementationMode of androidx.camera.viewfinder:viewfinder-core:1.6.2.

package androidx.camera.viewfinder.core

enum class ImplementationMode {
    EXTERNAL,
    EMBEDDED,
}
