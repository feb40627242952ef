package com.example.demo

import com.example.demo.core.Accelerator
import com.example.demo.core.Request

/** What the user wants the model to run on. */
data class EngineChoice(
    val accelerator: Accelerator = Accelerator.CPU,
    val threads: Int = 4,
) {
    /** The one that is wanted, and then the CPU, which takes every model. */
    val requests: List<Request>
        get() = listOf(Request(accelerator, threads), Request(Accelerator.CPU, threads)).distinct()

    companion object {
        val THREADS = listOf(1, 2, 4)
    }
}
