@file:Suppress("UNUSED_PARAMETER")

package com.google.ai.edge.litert

import android.content.Context

/** What LiteRT says on a phone without an NPU. */
interface NpuCompatibilityChecker {
    fun isDeviceSupported(): Boolean

    companion object {
        val Qualcomm = none()
        val Mediatek = none()
        val GoogleTensor = none()
        val Samsung = none()
        val Default = none()

        private fun none() =
            object : NpuCompatibilityChecker {
                override fun isDeviceSupported() = false
            }
    }
}

class BuiltinNpuAcceleratorProvider
    @JvmOverloads
    constructor(
        context: Context,
        private val npuCompatibilityChecker: NpuCompatibilityChecker =
            NpuCompatibilityChecker.Default,
    ) : NpuAcceleratorProvider {
        override fun isDeviceSupported() = npuCompatibilityChecker.isDeviceSupported()

        override fun isLibraryReady() = false

        override suspend fun downloadLibrary() = Unit

        override fun getLibraryDir() = "/nowhere"
    }
