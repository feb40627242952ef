package com.example.demo.camera

import android.hardware.display.DisplayManager
import android.view.View
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged

/**
 * How the display of this view is turned (Surface.ROTATION_0 to ROTATION_270), now and from then on.
 *
 * A turn from one landscape to the other recreates no activity: only the display tells of it.
 */
internal fun View.displayRotations(): Flow<Int> =
    callbackFlow {
        fun tell() {
            display?.let { trySend(it.rotation) }
        }
        val displays = context.getSystemService(DisplayManager::class.java)
        val listener =
            object : DisplayManager.DisplayListener {
                override fun onDisplayAdded(displayId: Int) = Unit

                override fun onDisplayRemoved(displayId: Int) = Unit

                override fun onDisplayChanged(displayId: Int) = tell()
            }
        displays.registerDisplayListener(listener, handler)
        tell()
        awaitClose { displays.unregisterDisplayListener(listener) }
    }.conflate().distinctUntilChanged()
