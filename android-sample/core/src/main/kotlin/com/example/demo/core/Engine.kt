package com.example.demo.core

import java.nio.ByteBuffer

enum class Accelerator { CPU, GPU, NPU }

/** An engine can't be opened, or does not compute the model right. */
class EngineException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

/** Runs the model. */
interface Engine : AutoCloseable {
    /** What the model really runs on, whatever was asked for. */
    val accelerator: Accelerator

    /** For people: the runtime, its version, the threads. */
    val description: String

    /** Both buffers are in native byte order and read and written from their beginning. */
    fun run(
        input: ByteBuffer,
        output: ByteBuffer,
    )
}
