package com.example.demo.classifier

import android.content.Context
import android.os.Build
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.BuiltinNpuAcceleratorProvider
import com.google.ai.edge.litert.Environment
import java.io.File
import com.example.demo.core.EngineException

// What LiteRT leaves to be found out: it takes a request for a GPU or an NPU that isn't there.

internal fun gpuEnvironment(): Environment {
    val environment = Environment.create()
    if (Accelerator.GPU !in environment.getAvailableAccelerators()) {
        environment.close()
        throw EngineException(
            "LiteRT found no GPU accelerator. Either com.google.ai.edge.litert:litert-gpu isn't " +
                "in the app, or this phone has no OpenCL.",
        )
    }
    return environment
}

internal fun npuEnvironment(context: Context): Environment {
    val npu = BuiltinNpuAcceleratorProvider(context)
    if (!npu.isDeviceSupported()) {
        throw EngineException("LiteRT knows no NPU in this phone (${chip()}).")
    }
    val libraries = File(npu.getLibraryDir()).list().orEmpty()
    if (libraries.none { it.startsWith(DISPATCH_LIBRARY) }) {
        throw EngineException(
            "The app has no NPU library $DISPATCH_LIBRARY*.so. Add LiteRT's NPU runtime for this " +
                "chip (${chip()}), and set packaging.jniLibs.useLegacyPackaging to unpack it.",
        )
    }
    return Environment.create(npu)
}

private fun chip(): String =
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
        "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}"
    } else {
        Build.HARDWARE
    }

private const val DISPATCH_LIBRARY = "libLiteRtDispatch"
