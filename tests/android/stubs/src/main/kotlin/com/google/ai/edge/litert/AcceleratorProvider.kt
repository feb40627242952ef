// com.google.ai.edge.litert.NpuAcceleratorProvider, BuiltinNpuAcceleratorProvider and NpuCompatibilityChecker of com.google.ai.edge.litert:litert:2.3.0.

@file:Suppress("UNUSED_PARAMETER")

package com.google.ai.edge.litert

import android.content.Context

interface NpuCompatibilityChecker {
    fun isDeviceSupported(): Boolean

    companion object {
        val Qualcomm: NpuCompatibilityChecker get() = throw UnsupportedOperationException()

        val Mediatek: NpuCompatibilityChecker get() = throw UnsupportedOperationException()

        val GoogleTensor: NpuCompatibilityChecker get() = throw UnsupportedOperationException()

        val Samsung: NpuCompatibilityChecker get() = throw UnsupportedOperationException()

        val Default: NpuCompatibilityChecker get() = throw UnsupportedOperationException()
    }
}

interface NpuAcceleratorProvider {
    fun isDeviceSupported(): Boolean

    fun isLibraryReady(): Boolean

    suspend fun downloadLibrary()

    fun getLibraryDir(): String
}

class BuiltinNpuAcceleratorProvider
    @JvmOverloads
    constructor(
        context: Context,
        npuCompatibilityChecker: NpuCompatibilityChecker = NpuCompatibilityChecker.Default,
    ) : NpuAcceleratorProvider {
        override fun isDeviceSupported(): Boolean = throw UnsupportedOperationException()

        override fun isLibraryReady(): Boolean = throw UnsupportedOperationException()

        override suspend fun downloadLibrary(): Unit = throw UnsupportedOperationException()

        override fun getLibraryDir(): String = throw UnsupportedOperationException()
    }
