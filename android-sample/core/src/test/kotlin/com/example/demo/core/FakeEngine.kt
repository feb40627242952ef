package com.example.demo.core

import java.nio.ByteBuffer

/** Gives [scores] whatever it is fed, and remembers the first number of it. */
internal class FakeEngine(
    override val accelerator: Accelerator = Accelerator.CPU,
    private val scores: FloatArray = FloatArray(3),
) : Engine {
    override val description = "fake"
    val fed = mutableListOf<Float>()
    var closed = false
        private set

    override fun run(
        input: ByteBuffer,
        output: ByteBuffer,
    ) {
        check(!closed) { "closed" }
        fed += input.getFloat(0)
        output.asFloatBuffer().put(scores)
    }

    override fun close() {
        closed = true
    }
}
