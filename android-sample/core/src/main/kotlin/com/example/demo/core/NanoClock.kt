package com.example.demo.core

/** Nanoseconds of a clock that never goes back, from any beginning. */
fun interface NanoClock {
    fun now(): Long
}

val SYSTEM_CLOCK = NanoClock(System::nanoTime)
