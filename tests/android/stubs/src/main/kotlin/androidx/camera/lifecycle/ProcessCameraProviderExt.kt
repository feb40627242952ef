// androidx.camera.lifecycle.ProcessCameraProviderExtKt of androidx.camera:camera-lifecycle:1.6.2.

@file:Suppress("UNUSED_PARAMETER", "RedundantSuspendModifier")

package androidx.camera.lifecycle

import android.content.Context

suspend fun ProcessCameraProvider.Companion.awaitInstance(
    context: Context,
): ProcessCameraProvider = throw UnsupportedOperationException()
