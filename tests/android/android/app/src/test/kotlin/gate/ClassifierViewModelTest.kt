package gate

import android.graphics.Bitmap
import android.net.Uri
import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModelStore
import java.io.IOException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import com.example.flowers.ClassifierState
import com.example.flowers.ClassifierViewModel
import com.example.flowers.EngineChoice
import com.example.flowers.ModelState
import com.example.flowers.OpenModel
import com.example.flowers.Outcome
import com.example.flowers.PictureState
import com.example.flowers.core.Accelerator
import com.example.flowers.core.Category
import com.example.flowers.core.Classification
import com.example.flowers.core.Request
import com.example.flowers.core.Timings
import com.example.flowers.photo.Photos

class ClassifierViewModelTest {
    @get:Rule val main = MainDispatcher()

    private val saved = SavedStateHandle()
    private val models = FakeModels()
    private val photos = FakePhotos()

    private fun viewModel() = ClassifierViewModel(saved, models::open, photos)

    private fun ClassifierViewModel.see(frame: Bitmap) =
        runBlocking { classifyFrame(frame, rotationDegrees = 90) }

    private fun meanwhile(work: suspend () -> Unit): Job =
        CoroutineScope(Dispatchers.Unconfined).launch(start = CoroutineStart.UNDISPATCHED) {
            work()
        }

    /** A frame that comes while something else is done. */
    private fun ClassifierViewModel.seeMeanwhile(frame: Bitmap): Job =
        meanwhile { classifyFrame(frame, rotationDegrees = 90) }

    @Test
    fun `the model is opened on what is usual`() {
        models.opening = CompletableDeferred()
        val model = viewModel()
        assertEquals(ClassifierState(), model.state.value)
        models.opening?.complete(Unit)
        assertEquals(listOf(EngineChoice()), models.opened.map { it.choice })
        assertEquals(
            ClassifierState(model = models.opened.single().facts),
            model.state.value,
        )
    }

    @Test
    fun `another choice closes the model before the next is opened`() {
        val model = viewModel()
        models.beforeOpen = { assertTrue(models.opened.all { it.closed }) }
        val choices =
            listOf(EngineChoice(Accelerator.GPU), EngineChoice(Accelerator.GPU, threads = 1))
        choices.forEach(model::choose)
        assertEquals(listOf(EngineChoice()) + choices, models.opened.map { it.choice })
        assertEquals(choices.last(), model.state.value.choice)
        assertEquals(models.opened.last().facts, model.state.value.model)
        model.choose(choices.last())
        assertEquals(3, models.opened.size)
        assertEquals(listOf(true, true, false), models.opened.map { it.closed })
    }

    @Test
    fun `a model that can't be opened says why, and can be tried again`() {
        models.beforeOpen = { throw IOException("no OpenCL") }
        val model = viewModel()
        assertEquals(ModelState.Failed("no OpenCL"), model.state.value.model)
        model.see(Bitmap())
        assertNull(model.state.value.outcome)
        models.beforeOpen = { throw IllegalStateException() }
        model.openAgain()
        assertEquals(
            ModelState.Failed("java.lang.IllegalStateException"),
            model.state.value.model,
        )
        models.beforeOpen = {}
        model.openAgain()
        assertEquals(EngineChoice(), models.opened.single().choice)
        assertEquals(models.opened.single().facts, model.state.value.model)
    }

    @Test
    fun `frames are classified while the camera is shown`() {
        val model = viewModel()
        val frame = Bitmap()
        model.see(frame)
        val seen = models.opened.single().seen
        assertEquals(listOf(frame to 90), seen)
        assertEquals(Outcome.Classified(result(1)), model.state.value.outcome)
        photos.files[PHOTO] = Bitmap()
        model.showPhoto(PHOTO)
        model.see(frame)
        assertEquals(listOf(frame to 90, photos.files[PHOTO] to 0), seen)
    }

    @Test
    fun `a photo is kept, read and classified`() {
        val model = viewModel()
        val bitmap = Bitmap().also { photos.files[PHOTO] = it }
        photos.reading = CompletableDeferred()
        model.see(Bitmap())
        model.showPhoto(PHOTO)
        assertEquals(listOf(PHOTO), photos.kept)
        assertEquals(PictureState.OpeningPhoto, model.state.value.picture)
        assertNull(model.state.value.outcome)
        photos.reading?.complete(Unit)
        assertEquals(PictureState.Photo(bitmap), model.state.value.picture)
        assertEquals(Outcome.Classified(result(2)), model.state.value.outcome)
        model.showCamera()
        assertEquals(PictureState.Camera, model.state.value.picture)
        assertNull(model.state.value.outcome)
    }

    @Test
    fun `a photo is classified again by another engine`() {
        photos.files[PHOTO] = Bitmap()
        val model = viewModel()
        model.showPhoto(PHOTO)
        model.choose(EngineChoice(Accelerator.NPU))
        assertEquals(listOf(photos.files[PHOTO] to 0), models.opened.last().seen)
        assertEquals(Outcome.Classified(result(1)), model.state.value.outcome)
    }

    @Test
    fun `a photo that can't be read can be chosen again`() {
        val model = viewModel()
        model.showPhoto(PHOTO)
        assertEquals(PictureState.PhotoFailed, model.state.value.picture)
        assertNull(model.state.value.outcome)
        val bitmap = Bitmap().also { photos.files[PHOTO] = it }
        model.showPhoto(PHOTO)
        assertEquals(PictureState.Photo(bitmap), model.state.value.picture)
        assertEquals(Outcome.Classified(result(1)), model.state.value.outcome)
    }

    @Test
    fun `the camera comes back although a photo is still being read`() {
        val model = viewModel()
        for (attempt in 1..2) {
            photos.reading = CompletableDeferred()
            model.showPhoto(PHOTO)
            photos.reading?.complete(Unit)
        }
        val slow = CompletableDeferred<Unit>().also { photos.reading = it }
        photos.files[PHOTO] = Bitmap()
        model.showPhoto(PHOTO)
        model.showCamera()
        slow.complete(Unit)
        assertEquals(PictureState.Camera, model.state.value.picture)
    }

    @Test
    fun `of two photos the later one is shown`() {
        val model = viewModel()
        val slow = CompletableDeferred<Unit>().also { photos.reading = it }
        photos.files[PHOTO] = Bitmap()
        model.showPhoto(PHOTO)
        photos.reading = null
        val later = Uri.parse("content://photos/2")
        photos.files[later] = Bitmap()
        model.showPhoto(later)
        slow.complete(Unit)
        assertEquals(PictureState.Photo(photos.files.getValue(later)), model.state.value.picture)
    }

    @Test
    fun `what a frame showed isn't said of a photo`() {
        val model = viewModel()
        val slow = CompletableDeferred<Unit>().also { models.opened.single().running = it }
        val frame = model.seeMeanwhile(Bitmap())
        model.showPhoto(PHOTO)
        slow.complete(Unit)
        assertTrue(frame.isCompleted)
        assertEquals(PictureState.PhotoFailed, model.state.value.picture)
        assertNull(model.state.value.outcome)
    }

    @Test
    fun `a model that fails says why`() {
        val model = viewModel()
        models.opened.single().fault = IllegalStateException("the driver died")
        model.see(Bitmap())
        assertEquals(Outcome.Failed("the driver died"), model.state.value.outcome)
        models.opened.single().fault = null
        model.see(Bitmap())
        assertEquals(Outcome.Classified(result(2)), model.state.value.outcome)
    }

    @Test
    fun `choice and photo survive the process`() {
        photos.files[PHOTO] = Bitmap()
        val choice = EngineChoice(Accelerator.GPU, threads = 2)
        viewModel().apply {
            choose(choice)
            showPhoto(PHOTO)
        }
        val next = viewModel().state.value
        assertEquals(choice, next.choice)
        assertEquals(PictureState.Photo(photos.files.getValue(PHOTO)), next.picture)
        assertEquals(choice, models.opened.last().choice)
        assertEquals(Outcome.Classified(result(1)), next.outcome)
    }

    @Test
    fun `the model is closed while something else is measured, and opened again`() {
        photos.files[PHOTO] = Bitmap()
        val model = viewModel()
        model.choose(EngineChoice(threads = 2))
        model.showPhoto(PHOTO)
        val measuring = CompletableDeferred<Unit>()
        val measured = meanwhile { model.whileClosed { measuring.await() } }
        assertEquals(listOf(true, true), models.opened.map { it.closed })
        assertEquals(ModelState.Opening, model.state.value.model)
        assertNull(model.state.value.outcome)
        measuring.complete(Unit)
        assertTrue(measured.isCompleted)
        assertEquals(listOf(true, true, false), models.opened.map { it.closed })
        assertEquals(EngineChoice(threads = 2), models.opened.last().choice)
        assertEquals(Outcome.Classified(result(1)), model.state.value.outcome)
    }

    @Test
    fun `what is measured waits for the picture in work`() {
        val model = viewModel()
        val slow = CompletableDeferred<Unit>().also { models.opened.single().running = it }
        model.seeMeanwhile(Bitmap())
        var closedFirst = false
        val measured =
            meanwhile { model.whileClosed { closedFirst = models.opened.single().closed } }
        assertFalse(models.opened.single().closed)
        slow.complete(Unit)
        assertTrue(measured.isCompleted)
        assertTrue(closedFirst)
    }

    @Test
    fun `no other engine opens while something is measured`() {
        val model = viewModel()
        val measuring = CompletableDeferred<Unit>()
        meanwhile { model.whileClosed { measuring.await() } }
        model.choose(EngineChoice(Accelerator.GPU))
        model.seeMeanwhile(Bitmap())
        assertEquals(1, models.opened.size)
        measuring.complete(Unit)
        assertEquals(EngineChoice(Accelerator.GPU), models.opened.last().choice)
        assertEquals(1, models.opened.count { !it.closed })
    }

    @Test
    fun `the model comes back after a measurement that failed`() {
        val model = viewModel()
        assertThrows(IOException::class.java) {
            runBlocking { model.whileClosed { throw IOException("no photos") } }
        }
        assertEquals(models.opened.last().facts, model.state.value.model)
    }

    @Test
    fun `closed it closes the model`() {
        val model = viewModel()
        val store = ViewModelStore().apply { put("classifier", model) }
        assertEquals(listOf(false), models.opened.map { it.closed })
        store.clear()
        assertEquals(listOf(true), models.opened.map { it.closed })
    }

    private class FakeModels {
        val opened = mutableListOf<FakeModel>()
        var opening: CompletableDeferred<Unit>? = null
        var beforeOpen: () -> Unit = {}

        suspend fun open(choice: EngineChoice): OpenModel {
            beforeOpen()
            opening?.await()
            return FakeModel(choice).also { opened += it }
        }
    }

    /** Says how many pictures it has seen. */
    private class FakeModel(
        val choice: EngineChoice,
    ) : OpenModel {
        override val facts =
            ModelState.Open("flowers", "int8", choice.accelerator, "$choice", emptyList())
        val seen = mutableListOf<Pair<Bitmap, Int>>()
        var running: CompletableDeferred<Unit>? = null
        var fault: Exception? = null
        var closed = false
            private set

        override suspend fun classify(
            bitmap: Bitmap,
            rotationDegrees: Int,
        ): Classification {
            check(!closed) { "closed" }
            seen += bitmap to rotationDegrees
            running?.await()
            fault?.let { throw it }
            return result(seen.size)
        }

        override fun close() {
            closed = true
        }
    }

    private class FakePhotos : Photos {
        val files = mutableMapOf<Uri, Bitmap>()
        val kept = mutableListOf<Uri>()
        var reading: CompletableDeferred<Unit>? = null

        override fun keep(photo: Uri) {
            kept += photo
        }

        override suspend fun read(photo: Uri): Bitmap {
            reading?.await()
            return files[photo] ?: throw IOException("$photo can't be opened.")
        }
    }

    private companion object {
        val PHOTO: Uri = Uri.parse("content://photos/1")

        fun result(number: Int) =
            Classification(listOf(Category(number, "class $number", 1f)), Timings(1, 2, 3))
    }
}
