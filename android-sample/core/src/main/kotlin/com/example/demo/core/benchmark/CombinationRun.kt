package com.example.demo.core.benchmark

import java.util.concurrent.CancellationException
import com.example.demo.core.Classification
import com.example.demo.core.ClassifierPipeline
import com.example.demo.core.NanoClock
import com.example.demo.core.reason

/** Measures one combination, once. */
internal class CombinationRun(
    private val combination: Combination,
    private val limits: BenchmarkLimits,
    private val photos: List<SamplePhoto>,
    private val predictions: Predictions,
    private val surroundings: Surroundings,
    private val clock: NanoClock,
    private val tell: (step: BenchmarkStep, done: Int, total: Int) -> Unit,
) {
    private val times = RunTimesBuilder(limits.runs)
    private var check = PredictionCheck(emptyMap())
    private var fed = 0
    private var begun = clock.now()
    private var startMemory: Long? = null
    private var peakMemory: Long? = null
    private var hottest: Int? = null
    private var found =
        Measurement(
            combination = combination.title,
            testName = combination.testName,
            model = combination.model.name,
            request = combination.request,
            threads = combination.threads,
        )

    fun run(): Measurement {
        val fault =
            try {
                measure()
            } catch (error: CancellationException) {
                throw error
            } catch (error: ListenerFault) {
                throw error.cause
            } catch (error: Exception) {
                reason(error)
            } catch (error: LinkageError) {
                reason(error)
            } catch (error: OutOfMemoryError) {
                reason(error)
            }
        val nothing = times.count == 0
        return found.copy(
            skipped = if (nothing) fault ?: surroundings.stopReason() else null,
            failed = if (nothing) null else fault?.let { "failed after ${times.count} runs: $it" },
            runs = times.build(),
            totalNanos = clock.now() - begun,
            throttled = hottest?.let { it >= THROTTLING },
            peakMemoryBytes = peak(),
            checked = check.checked,
            wrongPhotos = check.wrongPhotos,
            photos = minOf(fed, photos.size),
        )
    }

    /** Null, or why it can't be measured. */
    private fun measure(): String? {
        coolDown()
        startMemory = surroundings.memoryBytes()
        begun = clock.now()
        report(BenchmarkStep.OPENING, 0, 0)
        val start = clock.now()
        val model = combination.model.load()
        val loaded = clock.now()
        val spec = model.spec
        found =
            found.copy(
                facts =
                    ModelFacts(
                        file = spec.file,
                        sha256 = spec.sha256,
                        bytes = model.bytes,
                        architecture = spec.architecture,
                        quantization = spec.quantization,
                    ),
                loadNanos = loaded - start,
            )
        check = PredictionCheck(predictions.of(spec.sha256))
        val beforeCompile = clock.now()
        val engine = model.open(combination.request)
        val compiled = clock.now()
        return engine.use {
            found =
                found.copy(
                    actual = ActualEngine(engine.accelerator, engine.description),
                    compileNanos = compiled - beforeCompile,
                )
            if (engine.accelerator != combination.request.accelerator) {
                "it would run on the ${engine.accelerator} instead"
            } else {
                look()
                ClassifierPipeline(spec, model.labels, engine, clock).feed()
                null
            }
        }
    }

    private fun ClassifierPipeline.feed() {
        if (surroundings.stopReason() != null) return
        val first = iterate(0)
        found = found.copy(firstInferenceNanos = first.timings.inferenceNanos)
        look()
        warmUp()
        measureRuns()
        look()
    }

    private fun ClassifierPipeline.warmUp() {
        val steadyState = SteadyState(limits.window, limits.tolerance)
        val begun = clock.now()
        var done = 0
        while (done < limits.mostWarmUp && surroundings.stopReason() == null) {
            if (done % TELL_EVERY == 0) {
                report(BenchmarkStep.WARMING_UP, done, limits.mostWarmUp)
            }
            val result = iterate(done)
            done++
            val steady = steadyState.add(result.timings.inferenceNanos)
            found = found.copy(warmUpIterations = done, steady = steady)
            val late = clock.now() - begun >= limits.warmUpNanos
            if (steady || (done >= limits.leastWarmUp && late)) return
        }
    }

    private fun ClassifierPipeline.measureRuns() {
        val begun = clock.now()
        while (times.count < limits.runs && surroundings.stopReason() == null) {
            val done = times.count
            if (done >= limits.leastRuns && clock.now() - begun >= limits.runNanos) return
            if (done % TELL_EVERY == 0) report(BenchmarkStep.MEASURING, done, limits.runs)
            iterate(done, times)
        }
    }

    private fun ClassifierPipeline.iterate(
        turn: Int,
        into: RunTimesBuilder? = null,
    ): Classification {
        val photo = photos[turn % photos.size]
        val begun = clock.now()
        val argb = photo.pixels()
        val read = clock.now()
        val result =
            classify(
                argb,
                photo.width,
                photo.height,
                rotationDegrees = 0,
                topK = TOP_K,
                threshold = 0f,
            )
        val ended = clock.now()
        into?.add(read - begun, result.timings, ended - begun)
        fed = maxOf(fed, turn + 1)
        check.add(photo.file, result.categories)
        return result
    }

    /** Waits while the phone throttles itself, as long as the limits allow. */
    private fun coolDown() {
        var waited = 0
        while (throttling() && waited < limits.coolDownSeconds) {
            if (surroundings.stopReason() != null) break
            report(BenchmarkStep.COOLING_DOWN, waited, limits.coolDownSeconds)
            val pause = minOf(PAUSE_SECONDS, limits.coolDownSeconds - waited)
            surroundings.pause(pause)
            waited += pause
        }
        found = found.copy(coolDownSeconds = waited)
    }

    private fun throttling(): Boolean = (surroundings.thermalStatus() ?: 0) >= THROTTLING

    /** At memory and heat, which takes too long to be done in each iteration. */
    private fun look() {
        surroundings.memoryBytes()?.let { peakMemory = maxOf(it, peakMemory ?: it) }
        surroundings.thermalStatus()?.let { hottest = maxOf(it, hottest ?: it) }
    }

    private fun peak(): Long? {
        val peak = peakMemory ?: return null
        return maxOf(0, peak - (startMemory ?: return null))
    }

    private fun report(
        step: BenchmarkStep,
        done: Int,
        total: Int,
    ) = try {
        tell(step, done, total)
    } catch (error: Exception) {
        throw ListenerFault(error)
    }

    /** Told apart from what the model throws. */
    private class ListenerFault(
        override val cause: Exception,
    ) : Exception(cause)

    private companion object {
        const val TOP_K = 5
        const val TELL_EVERY = 10
        const val PAUSE_SECONDS = 5

        /** PowerManager.THERMAL_STATUS_LIGHT: from here on the clocks are held down. */
        const val THROTTLING = 1
    }
}
