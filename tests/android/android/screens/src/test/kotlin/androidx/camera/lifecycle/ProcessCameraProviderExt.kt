@file:Suppress("UNUSED_PARAMETER", "RedundantSuspendModifier")

package androidx.camera.lifecycle

import android.content.Context

suspend fun ProcessCameraProvider.Companion.awaitInstance(
    context: Context,
): ProcessCameraProvider = instance
