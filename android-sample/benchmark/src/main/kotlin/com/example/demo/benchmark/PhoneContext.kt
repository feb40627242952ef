package com.example.demo.benchmark

import android.app.ActivityManager
import android.content.Context
import android.os.Build
import android.os.PowerManager
import android.os.Process
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone
import com.example.demo.classifier.ClassifierModel
import com.example.demo.core.benchmark.BenchmarkContext
import com.example.demo.core.benchmark.CpuClocks
import com.example.demo.core.benchmark.PhoneBuild

/**
 * This phone as it is now.
 *
 * @param packager the version of packager that the project is from, as far as it is known.
 */
fun phoneContext(
    context: Context,
    packager: String?,
): BenchmarkContext {
    val memory =
        ActivityManager.MemoryInfo().also {
            context.getSystemService(ActivityManager::class.java).getMemoryInfo(it)
        }
    val clocks = CpuClocks()
    return BenchmarkContext(
        build =
            PhoneBuild(
                brand = Build.BRAND,
                device = Build.DEVICE,
                fingerprint = Build.FINGERPRINT,
                id = Build.ID,
                model = Build.MODEL,
                type = Build.TYPE,
                codename = Build.VERSION.CODENAME,
                sdk = Build.VERSION.SDK_INT,
            ),
        packager = packager.orEmpty(),
        runtime = ClassifierModel.RUNTIME,
        cpuCores = Runtime.getRuntime().availableProcessors(),
        cpuLocked = clocks.locked,
        cpuMaxHz = clocks.maxHz,
        memoryBytes = memory.totalMem,
        soc = chip(),
        abi = abi(),
        androidBuild = Build.DISPLAY,
        batterySaver = context.getSystemService(PowerManager::class.java).isPowerSaveMode,
        startedAt = now(),
    )
}

private fun chip(): String? =
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
        "${Build.SOC_MANUFACTURER} ${Build.SOC_MODEL}".takeUnless { Build.UNKNOWN in it }
    } else {
        null
    }

/** That of this process, which need not be the phone's first. */
private fun abi(): String {
    val wide = Process.is64Bit()
    return (if (wide) Build.SUPPORTED_64_BIT_ABIS else Build.SUPPORTED_32_BIT_ABIS).first()
}

private fun now(): String =
    SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT)
        .apply { timeZone = TimeZone.getTimeZone("UTC") }
        .format(Date())
