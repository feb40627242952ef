package [[ package ]].core.benchmark

/** A benchmark that runs to its end on the thread that asks for it, or until another stops it. */
interface StoppableBenchmark {
    fun run(listener: BenchmarkListener): BenchmarkReport

    /** Ends it before its next iteration; what was measured is kept, with [why] it ended. */
    fun stop(why: String)
}
