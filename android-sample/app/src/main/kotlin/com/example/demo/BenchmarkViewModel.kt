package com.example.demo

import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import java.io.File
import java.io.FileNotFoundException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import com.example.demo.core.benchmark.BenchmarkLimits
import com.example.demo.core.benchmark.BenchmarkListener
import com.example.demo.core.benchmark.BenchmarkProgress
import com.example.demo.core.benchmark.BenchmarkReport
import com.example.demo.core.benchmark.StoppableBenchmark
import com.example.demo.core.benchmark.readReport
import com.example.demo.core.benchmark.writeWhole

/**
 * Runs the benchmark, and goes on when the phone is turned.
 *
 * The results survive the process; a run doesn't, and what it had not kept is lost.
 *
 * @property results the file that is shared, of the last run.
 * @property alone does what it is given while the app has no other engine open.
 */
class BenchmarkViewModel(
    private val saved: SavedStateHandle,
    val results: File,
    private val alone: suspend (suspend () -> Unit) -> Unit,
    private val prepare: (BenchmarkLimits) -> StoppableBenchmark,
) : ViewModel() {
    private val mutableState =
        MutableStateFlow(saved.get<Int>(RUNS)?.let { BenchmarkState(it) } ?: BenchmarkState())
    val state: StateFlow<BenchmarkState> = mutableState.asStateFlow()

    private var benchmark: StoppableBenchmark? = null

    init {
        if (saved[STARTED] ?: false) viewModelScope.launch { restore() }
    }

    fun choose(runs: Int) {
        saved[RUNS] = runs
        mutableState.update { it.copy(runs = runs) }
    }

    fun start() {
        if (state.value.running) return
        saved[STARTED] = true
        mutableState.update { BenchmarkState(runs = it.runs, running = true) }
        viewModelScope.launch {
            val failure =
                try {
                    measure(prepare(BenchmarkLimits(runs = state.value.runs)))
                    null
                } catch (e: CancellationException) {
                    throw e
                } catch (e: Exception) {
                    e.message ?: e.toString()
                }
            mutableState.update { it.copy(running = false, progress = null, failure = failure) }
        }
    }

    /** What was measured is kept; [why] stands in the results. */
    fun stop(why: String) {
        benchmark?.stop(why)
    }

    override fun onCleared() {
        stop("the app was closed")
    }

    private suspend fun measure(prepared: StoppableBenchmark) {
        benchmark = prepared
        try {
            // What lies there after the process has ended is of this run.
            withContext(Dispatchers.IO) { results.delete() }
            alone { keep(withContext(Dispatchers.IO) { prepared.run(listener) }) }
        } finally {
            benchmark = null
        }
    }

    private suspend fun keep(report: BenchmarkReport) {
        withContext(Dispatchers.IO) {
            results.parentFile?.mkdirs()
            writeWhole(results, report.toJson())
        }
        mutableState.update { it.copy(report = report) }
    }

    private suspend fun restore() {
        val last =
            try {
                val report = withContext(Dispatchers.IO) { readReport(results.readText()) }
                state.value.copy(report = report)
            } catch (_: FileNotFoundException) {
                state.value.copy(failure = "Android stopped the app before the results were saved.")
            } catch (e: CancellationException) {
                throw e
            } catch (e: Exception) {
                state.value.copy(failure = e.message ?: e.toString())
            }
        // It may have been started again meanwhile.
        mutableState.update { if (it.running) it else last.copy(runs = it.runs) }
    }

    private val listener =
        object : BenchmarkListener {
            override fun onProgress(progress: BenchmarkProgress) =
                mutableState.update { it.copy(progress = progress) }

            override fun onMeasured(report: BenchmarkReport) =
                mutableState.update { it.copy(report = report) }
        }

    private companion object {
        const val RUNS = "runs"
        const val STARTED = "started"
    }
}
