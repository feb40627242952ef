package [[ package ]]

import android.graphics.Bitmap
import android.net.Uri
import androidx.core.net.toUri
import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import [[ package ]].core.Accelerator
import [[ package ]].photo.Photos

/**
 * Holds the open model and what it said last.
 *
 * The choice of engine and the photo survive the process; the model is opened again.
 */
class ClassifierViewModel(
    private val saved: SavedStateHandle,
    private val openModel: suspend (EngineChoice) -> OpenModel,
    private val photos: Photos,
) : ViewModel() {
    private val mutableState = MutableStateFlow(ClassifierState())
    val state: StateFlow<ClassifierState> = mutableState.asStateFlow()

    // One at a time: opening a model, or running it.
    private val turn = Mutex()
    private var classifier: OpenModel? = null

    // At the same photo again, which may have failed.
    private val attempts = MutableStateFlow(0)

    init {
        val default = EngineChoice()
        val accelerators = saved.getStateFlow(ACCELERATOR, default.accelerator.name)
        val threads = saved.getStateFlow(THREADS, default.threads)
        viewModelScope.launch {
            combine(accelerators, threads) { accelerator, count ->
                EngineChoice(Accelerator.valueOf(accelerator), count)
            }.collect(::open)
        }
        viewModelScope.launch {
            combine(saved.getStateFlow<String?>(PHOTO, null), attempts) { photo, _ -> photo }
                .collectLatest { show(it?.toUri()) }
        }
    }

    fun choose(choice: EngineChoice) {
        saved[ACCELERATOR] = choice.accelerator.name
        saved[THREADS] = choice.threads
    }

    fun openAgain() {
        viewModelScope.launch { open(state.value.choice) }
    }

    fun showPhoto(photo: Uri) {
        photos.keep(photo)
        if (saved.get<String>(PHOTO) == photo.toString()) {
            attempts.update { it + 1 }
        } else {
            saved[PHOTO] = photo.toString()
        }
    }

    fun showCamera() {
        saved[PHOTO] = null
    }

    /** Returns when the model has seen the frame, and the next one may be drawn over it. */
    suspend fun classifyFrame(
        frame: Bitmap,
        rotationDegrees: Int,
    ) {
        if (state.value.picture == PictureState.Camera) classify(frame, rotationDegrees)
    }

    /** Does [work] while the model is closed, and opens it again. */
    suspend fun whileClosed(work: suspend () -> Unit) {
        try {
            turn.withLock {
                close()
                mutableState.update { it.copy(model = ModelState.Opening, outcome = null) }
                work()
            }
        } finally {
            viewModelScope.launch { open(state.value.choice) }
        }
    }

    override fun onCleared() = close()

    private fun close() {
        classifier?.close()
        classifier = null
    }

    private suspend fun open(choice: EngineChoice) {
        mutableState.update {
            it.copy(choice = choice, model = ModelState.Opening, outcome = null)
        }
        val opened =
            turn.withLock {
                close()
                try {
                    openModel(choice).also { classifier = it }.facts
                } catch (e: CancellationException) {
                    throw e
                } catch (e: Exception) {
                    ModelState.Failed(e.message ?: e.toString())
                }
            }
        mutableState.update { it.copy(model = opened) }
        classifyPhoto()
    }

    private suspend fun show(photo: Uri?) {
        if (photo == null) {
            mutableState.update { it.copy(picture = PictureState.Camera, outcome = null) }
            return
        }
        mutableState.update { it.copy(picture = PictureState.OpeningPhoto, outcome = null) }
        val picture =
            try {
                PictureState.Photo(photos.read(photo))
            } catch (e: CancellationException) {
                throw e
            } catch (_: Exception) {
                PictureState.PhotoFailed
            }
        mutableState.update { it.copy(picture = picture) }
        classifyPhoto()
    }

    private suspend fun classifyPhoto() {
        val picture = state.value.picture
        if (picture is PictureState.Photo) classify(picture.bitmap, rotationDegrees = 0)
    }

    private suspend fun classify(
        bitmap: Bitmap,
        rotationDegrees: Int,
    ) {
        val picture = state.value.picture
        val outcome =
            try {
                turn.withLock {
                    classifier?.classify(bitmap, rotationDegrees)?.let { Outcome.Classified(it) }
                }
            } catch (e: CancellationException) {
                throw e
            } catch (e: Exception) {
                Outcome.Failed(e.message ?: e.toString())
            }
        // Another picture may be shown by now.
        if (outcome != null) {
            mutableState.update { if (it.picture == picture) it.copy(outcome = outcome) else it }
        }
    }

    private companion object {
        const val ACCELERATOR = "accelerator"
        const val THREADS = "threads"
        const val PHOTO = "photo"
    }
}
