package com.example.demo.classifier

import android.content.Context
import java.io.File
import java.util.Locale
import com.example.demo.core.Engine
import com.example.demo.core.ModelMismatchException
import com.example.demo.core.ModelSpec
import com.example.demo.core.ModelSpecException
import com.example.demo.core.Request
import com.example.demo.core.check
import com.example.demo.core.checkFile
import com.example.demo.core.labelsFor
import com.example.demo.core.parseLabels

/**
 * A model and the two files beside it, read and checked against each other.
 *
 * @property labels in the language of the phone, where the model has them in it.
 * @property bytes the size of the model's file.
 */
class ClassifierModel private constructor(
    private val place: ModelPlace,
    val spec: ModelSpec,
    val labels: List<String>,
    val bytes: Long,
) {
    /**
     * Compiles all of the model for what is asked for. Call it, and the engine, on [EngineThread].
     *
     * Throws EngineException, with the reason, when this app or this phone can't.
     */
    fun open(
        context: Context,
        request: Request,
    ): Engine = LiteRtEngine.open(context, place, spec, request)

    companion object {
        /** The runtime that all engines are of; as in gradle/libs.versions.toml. */
        const val RUNTIME = "LiteRT 2.3.0"

        /** Loads LiteRT's libraries, which the first engine does else. Without them it does nothing. */
        fun loadRuntime() {
            runCatching { AcceleratorEnvironments.cpu() }
        }

        private const val SPEC_FILE = "model_spec.json"

        /**
         * From the app's assets.
         *
         * Throws ModelSpecException when model_spec.json is missing or can't be used, and
         * ModelMismatchException when the model or its labels aren't those that it describes.
         */
        fun fromAssets(
            context: Context,
            modelAsset: String = "model.tflite",
        ): ClassifierModel = read(AssetPlace(context.assets, modelAsset))

        /** From a folder with the three files. Throws what [fromAssets] throws. */
        fun fromFile(model: File): ClassifierModel = read(FilePlace(model))

        private fun read(place: ModelPlace): ClassifierModel {
            val specText =
                place.text(SPEC_FILE)
                    ?: throw ModelSpecException(
                        "${place.name(SPEC_FILE)} is missing, and without it nobody knows how " +
                            "to feed the model. Copy the one that packager wrote beside the model.",
                    )
            val spec = ModelSpec.parse(specText)
            val file = spec.labelsFor(Locale.getDefault().toLanguageTag())
            val labels =
                place.text(file.name)
                    ?: throw ModelMismatchException(
                        "${place.name(file.name)} is missing, and " +
                            "${place.name(SPEC_FILE)} names it. Copy the one that packager wrote " +
                            "beside the model.",
                    )
            val bytes = checkModel(place, spec)
            return ClassifierModel(place, spec, parseLabels(labels, spec, file), bytes)
        }

        private fun checkModel(
            place: ModelPlace,
            spec: ModelSpec,
        ): Long {
            val name = place.name(place.modelFile)
            val content =
                place.content()
                    ?: throw ModelMismatchException("$name is missing. Copy the model.")
            // First its tensors, since a difference there says more than another digest.
            val tensors = TfliteTensors.read(content, name)
            spec.check(tensors.inputs, tensors.outputs)
            spec.checkFile(content)
            return content.capacity().toLong()
        }
    }
}
