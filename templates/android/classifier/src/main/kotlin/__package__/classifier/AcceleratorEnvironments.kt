package [[ package ]].classifier

import android.content.Context
import android.os.Build
import android.os.Process
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.BuiltinNpuAcceleratorProvider
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.NpuCompatibilityChecker
import java.io.File
import [[ package ]].core.EngineException

/**
 * LiteRT's environments, made once and kept as long as the process.
 *
 * Each new one may open the GPU again, and what that takes isn't all given back when it is closed.
 */
internal object AcceleratorEnvironments {
    private val shared by lazy { Environment.create() }
    private var npu: Environment? = null

    fun cpu(): Environment = shared

    /** LiteRT takes a request for a GPU that it can't use: here it is refused, with the reason. */
    fun gpu(): Environment {
        // Without OpenCL it takes OpenGL, so all that can be missing is its own library.
        if (Accelerator.GPU !in shared.getAvailableAccelerators()) {
            throw EngineException(
                "LiteRT's GPU library is missing: it isn't in the app, or doesn't exist for " +
                    "this processor (${processor()}).",
            )
        }
        return shared
    }

    @Synchronized
    fun npu(context: Context): Environment {
        npu?.let { return it }
        val provider = BuiltinNpuAcceleratorProvider(context)
        if (!provider.isDeviceSupported()) {
            throw EngineException("LiteRT supports no NPU of this phone${chip()}.")
        }
        val libraries = File(provider.getLibraryDir()).list().orEmpty()
        val vendors = VENDORS.filterKeys { "libLiteRtDispatch_$it.so" in libraries }
        if (vendors.values.none { it.isDeviceSupported() }) {
            val those = vendors.keys.joinToString().ifEmpty { "none" }
            throw EngineException(
                "The app has no library for this phone's NPU${chip()}, only for: $those. " +
                    "Generate the project with packager android --npu VENDOR.",
            )
        }
        // With a cache: what LiteRT compiles for the NPU takes seconds.
        return Environment.create(context, provider).also { npu = it }
    }

    /** That of this process, which need not be the phone's first. */
    private fun processor(): String {
        val wide = Process.is64Bit()
        return (if (wide) Build.SUPPORTED_64_BIT_ABIS else Build.SUPPORTED_32_BIT_ABIS).first()
    }

    /** The chip in brackets, where the phone names it. */
    private fun chip(): String {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.S) return ""
        val names = listOf(Build.SOC_MANUFACTURER, Build.SOC_MODEL) - setOf(Build.UNKNOWN)
        return if (names.isEmpty()) "" else names.joinToString(" ", " (", ")")
    }

    /** As LiteRT's libraries for them are called. */
    private val VENDORS =
        mapOf(
            "GoogleTensor" to NpuCompatibilityChecker.GoogleTensor,
            "MediaTek" to NpuCompatibilityChecker.Mediatek,
            "Qualcomm" to NpuCompatibilityChecker.Qualcomm,
        )
}
