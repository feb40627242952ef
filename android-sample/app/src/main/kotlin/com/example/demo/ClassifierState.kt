package com.example.demo

import android.graphics.Bitmap
import com.example.demo.core.Accelerator
import com.example.demo.core.Classification
import com.example.demo.core.Refusal

/** All that the screen shows. */
data class ClassifierState(
    val choice: EngineChoice = EngineChoice(),
    val model: ModelState = ModelState.Opening,
    val picture: PictureState = PictureState.Camera,
    val outcome: Outcome? = null,
)

sealed interface ModelState {
    data object Opening : ModelState

    /** @property accelerator the one that it really runs on. */
    data class Open(
        val name: String,
        val quantization: String,
        val accelerator: Accelerator,
        val description: String,
        val refused: List<Refusal>,
    ) : ModelState

    data class Failed(
        val reason: String,
    ) : ModelState
}

sealed interface PictureState {
    data object Camera : PictureState

    data object OpeningPhoto : PictureState

    data class Photo(
        val bitmap: Bitmap,
    ) : PictureState

    data object PhotoFailed : PictureState
}

/** What became of the last picture. */
sealed interface Outcome {
    data class Classified(
        val classification: Classification,
    ) : Outcome

    data class Failed(
        val reason: String,
    ) : Outcome
}
