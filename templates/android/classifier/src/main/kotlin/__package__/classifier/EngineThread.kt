package [[ package ]].classifier

import java.util.concurrent.Callable
import java.util.concurrent.ExecutionException
import java.util.concurrent.Executors
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher

/**
 * The one thread of this process on which engines are opened, run and closed.
 *
 * So an engine opens only when those that were closed before are gone, with the memory and the GPU
 * context that they held.
 */
object EngineThread {
    private val thread =
        Executors.newSingleThreadExecutor { Thread(it, "engine").apply { isDaemon = true } }

    internal val dispatcher: CoroutineDispatcher = thread.asCoroutineDispatcher()

    /** Does [work] after what was given before, and waits for it. */
    fun <T> run(work: () -> T): T =
        try {
            thread.submit(Callable(work)).get()
        } catch (e: ExecutionException) {
            throw e.cause ?: e
        }

    /** Does [work] after what was given before, and returns at once. */
    internal fun post(work: () -> Unit) = thread.execute(work)
}
