package com.example.demo.core.benchmark

import com.example.demo.core.Timings

/** Takes the times of [most] runs without making garbage between them. */
internal class RunTimesBuilder(
    most: Int,
) {
    private val inference = LongArray(most)
    private val preprocess = LongArray(most)
    private val postprocess = LongArray(most)
    private val endToEnd = LongArray(most)
    var count = 0
        private set

    /** [readNanos]: how long it took to have the photo's pixels. */
    fun add(
        readNanos: Long,
        timings: Timings,
        endToEndNanos: Long,
    ) {
        inference[count] = timings.inferenceNanos
        preprocess[count] = readNanos + timings.preprocessNanos
        postprocess[count] = timings.postprocessNanos
        endToEnd[count] = endToEndNanos
        count++
    }

    /** Null when there was no run. */
    fun build(): RunTimes? {
        if (count == 0) return null
        return RunTimes(
            inference.copyOf(count),
            preprocess.copyOf(count),
            postprocess.copyOf(count),
            endToEnd.copyOf(count),
        )
    }
}
