package com.example.demo.benchmark

import android.content.Context
import android.os.Build
import android.os.Debug
import android.os.PowerManager
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import com.example.demo.core.benchmark.Surroundings

/** This phone's heat and memory, and a way to [stop]. */
internal class PhoneSurroundings(
    context: Context,
) : Surroundings {
    private val power = context.getSystemService(PowerManager::class.java)
    private val stopped = CountDownLatch(1)

    @Volatile private var reason: String? = null

    fun stop(why: String) {
        reason = why
        stopped.countDown()
    }

    override fun thermalStatus(): Int? =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) power.currentThermalStatus else null

    /** The share of the process in all memory, native and mapped parts too, without garbage. */
    override fun memoryBytes(): Long? {
        Runtime.getRuntime().gc()
        return Debug.getPss().takeIf { it > 0 }?.let { it * BYTES_PER_KB }
    }

    override fun pause(seconds: Int) {
        stopped.await(seconds.toLong(), TimeUnit.SECONDS)
    }

    override fun stopReason(): String? = reason

    private companion object {
        const val BYTES_PER_KB = 1024
    }
}
