package com.example.demo.classifier

import android.content.Context
import android.graphics.Bitmap
import java.util.concurrent.atomic.AtomicBoolean
import kotlinx.coroutines.withContext
import com.example.demo.core.Accelerator
import com.example.demo.core.Classification
import com.example.demo.core.ClassifierPipeline
import com.example.demo.core.ModelSpec
import com.example.demo.core.OpenedEngine
import com.example.demo.core.Refusal
import com.example.demo.core.Request
import com.example.demo.core.openFirst

/**
 * Says what a picture shows, with the model in the app's assets.
 *
 * All work, from opening the model to closing it, is done on the [EngineThread].
 */
class ImageClassifier private constructor(
    val spec: ModelSpec,
    val labels: List<String>,
    private val options: Options,
    private val opened: OpenedEngine,
) : AutoCloseable {
    /**
     * @property modelAsset the model in the assets; model_spec.json and the labels lie beside it.
     * @property accelerators what to try, in this order: the first that takes the whole model.
     * @property topK how many classes a result has at most.
     * @property threshold the lowest score that a result shows.
     * @property lowest a result is empty whose best class has a lower score; null: as
     *     model_spec.json recommends.
     */
    class Options(
        val modelAsset: String = "model.tflite",
        val accelerators: List<Request> = listOf(Request(Accelerator.CPU, threads = 4)),
        val topK: Int = 5,
        val threshold: Float = 0f,
        val lowest: Float? = null,
    )

    private val pipeline = ClassifierPipeline(spec, labels, opened.engine)
    private val pixels = BitmapPixels()
    private val closed = AtomicBoolean(false)

    /** What was asked for and is used. */
    val request: Request get() = opened.request

    /** What really runs the model. */
    val accelerator: Accelerator get() = opened.engine.accelerator

    /** The engine in a few words, for a log or a report. */
    val description: String get() = opened.engine.description

    /** What was to be tried first, and why it isn't used. */
    val refused: List<Refusal> get() = opened.refused

    /**
     * The likeliest classes, best first.
     *
     * @param rotationDegrees how far to turn the bitmap clockwise to see it upright.
     */
    suspend fun classify(
        bitmap: Bitmap,
        rotationDegrees: Int = 0,
        topK: Int = options.topK,
        threshold: Float = options.threshold,
    ): Classification {
        check(!closed.get()) { "This ImageClassifier is closed: create another one." }
        return withContext(EngineThread.dispatcher) {
            val argb = pixels.read(bitmap)
            pipeline
                .classify(argb, bitmap.width, bitmap.height, rotationDegrees, topK, threshold)
                .known(options.lowest ?: spec.threshold ?: 0f)
        }
    }

    /**
     * Frees the model as soon as the picture in work is done. Returns at once; a model that is
     * opened after this waits for it.
     */
    override fun close() {
        if (closed.compareAndSet(false, true)) EngineThread.post { opened.engine.close() }
    }

    companion object {
        /**
         * Opens the model.
         *
         * Throws ModelSpecException when model_spec.json is missing or can't be used,
         * ModelMismatchException when the model or its labels aren't those it describes, and
         * EngineException, with all reasons, when none of [Options.accelerators] takes the model.
         */
        suspend fun create(
            context: Context,
            options: Options = Options(),
        ): ImageClassifier {
            val application = context.applicationContext
            var created: ImageClassifier? = null
            try {
                return withContext(EngineThread.dispatcher) {
                    val model = ClassifierModel.fromAssets(application, options.modelAsset)
                    val opened = openFirst(options.accelerators) { model.open(application, it) }
                    ImageClassifier(model.spec, model.labels, options, opened)
                        .also { created = it }
                }
            } catch (e: Throwable) {
                // It is there when the caller was cancelled meanwhile, and nobody else can close it.
                created?.close()
                throw e
            }
        }
    }
}
