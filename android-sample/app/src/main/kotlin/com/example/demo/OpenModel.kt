package com.example.demo

import android.content.Context
import android.graphics.Bitmap
import com.example.demo.classifier.ImageClassifier
import com.example.demo.core.Classification

/** A model that takes pictures until it is closed. */
interface OpenModel : AutoCloseable {
    val facts: ModelState.Open

    suspend fun classify(
        bitmap: Bitmap,
        rotationDegrees: Int,
    ): Classification
}

/** Opens the app's own. Throws what [ImageClassifier.create] throws. */
suspend fun openModel(
    context: Context,
    choice: EngineChoice,
): OpenModel {
    val options = ImageClassifier.Options(accelerators = choice.requests)
    val classifier = ImageClassifier.create(context, options)
    return object : OpenModel, AutoCloseable by classifier {
        override val facts =
            with(classifier) {
                ModelState.Open(spec.name, spec.quantization, accelerator, description, refused)
            }

        override suspend fun classify(
            bitmap: Bitmap,
            rotationDegrees: Int,
        ) = classifier.classify(bitmap, rotationDegrees)
    }
}
