package com.example.demo.core

import java.util.concurrent.CancellationException

/** @property threads of the CPU; the other accelerators don't mind them. */
data class Request(
    val accelerator: Accelerator,
    val threads: Int = 1,
) {
    init {
        require(threads >= 1) { "threads is $threads, not at least 1" }
    }
}

/** Why a request was not met. */
data class Refusal(
    val request: Request,
    val reason: String,
)

/** The engine that opened, for which request, and why those before it were refused. */
data class OpenedEngine(
    val engine: Engine,
    val request: Request,
    val refused: List<Refusal>,
)

/**
 * Opens the first of [requests] that can be met, in their order.
 *
 * An engine that runs on another accelerator than asked for counts as refused and is closed.
 * Throws [EngineException] with all reasons when none can be met.
 */
fun openFirst(
    requests: List<Request>,
    open: (Request) -> Engine,
): OpenedEngine {
    require(requests.isNotEmpty()) { "no accelerator was asked for" }
    val refused = mutableListOf<Refusal>()
    val causes = mutableListOf<Throwable>()
    for (request in requests) {
        val engine =
            try {
                open(request)
            } catch (error: CancellationException) {
                throw error
            } catch (error: Exception) {
                refused += Refusal(request, reason(error))
                causes += error
                continue
            } catch (error: LinkageError) {
                // An accelerator's classes or native code are missing.
                refused += Refusal(request, reason(error))
                causes += error
                continue
            }
        if (engine.accelerator == request.accelerator) return OpenedEngine(engine, request, refused)
        refused += Refusal(request, "it would run on the ${engine.accelerator} instead")
        engine.close()
    }
    val reasons = refused.joinToString("; ") { "${it.request.accelerator}: ${it.reason}" }
    throw EngineException("No accelerator can run the model. $reasons", causes.firstOrNull())
        .apply { causes.drop(1).forEach(::addSuppressed) }
}

/** For people: what [error] says, or what it is. */
internal fun reason(error: Throwable): String {
    val kind = error::class.java.simpleName
    return error.message?.let { if (error is LinkageError) "$kind: $it" else it } ?: kind
}
