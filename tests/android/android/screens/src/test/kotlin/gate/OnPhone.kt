package gate

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.os.Build
import androidx.camera.lifecycle.FakeCamera
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.core.content.FileProvider
import androidx.lifecycle.MutableLiveData
import com.google.ai.edge.litert.CompiledModel
import java.io.File
import org.junit.rules.ExternalResource
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.shadows.ShadowBuild
import org.robolectric.shadows.ShadowVMRuntime
import org.robolectric.shadows.SystemBars
import org.robolectric.util.ReflectionHelpers

/** A phone with a camera that sees [photo], and photos to choose from. */
class OnPhone : ExternalResource() {
    val photo: File = Files.input("photo.jpg")

    override fun before() {
        RuntimeEnvironment.setQualifiers(PORTRAIT)
        RuntimeEnvironment.setFontScale(1f)
        SystemBars.show()
        // Of 64 bits, as phones are; LiteRT supports no NPU of this chip.
        ShadowVMRuntime.setIs64Bit(true)
        ShadowBuild.setSupported64BitAbis(arrayOf(ABI))
        ShadowBuild.setSupportedAbis(arrayOf(ABI))
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
            ShadowBuild.setSystemOnChipManufacturer("QTI")
            ShadowBuild.setSystemOnChipModel("SM6375")
        }
        // It keeps the folders of the last test's app.
        ReflectionHelpers
            .getStaticField<MutableMap<*, *>>(FileProvider::class.java, "sCache")
            .clear()
        Robolectric.buildContentProvider(Photos::class.java).create(Photos.AUTHORITY)
        pointCamera()
    }

    override fun after() {
        AppWithAssets.use(null)
        ProcessCameraProvider.camera = null
        ProcessCameraProvider.failure = null
        ProcessCameraProvider.state = MutableLiveData()
        CompiledModel.beforeOpen = {}
        CompiledModel.beforeRun = {}
    }

    /** At [photo], held as the phone is. */
    fun pointCamera(
        rotationDegrees: Int = 0,
        padding: Int = 0,
    ) {
        ProcessCameraProvider.camera = FakeCamera(seen(), rotationDegrees, padding)
    }

    private fun seen(): Bitmap {
        val whole = BitmapFactory.decodeFile(photo.path)
        val display = RuntimeEnvironment.getApplication().resources.displayMetrics
        return if (display.widthPixels > display.heightPixels) {
            val height = whole.width * 3 / 4
            Bitmap.createBitmap(whole, 0, whole.height - height, whole.width, height)
        } else {
            val width = whole.height * 3 / 4
            Bitmap.createBitmap(whole, whole.width - width, 0, width, whole.height)
        }
    }

    companion object {
        private const val ABI = "arm64-v8a"

        const val PORTRAIT = "w411dp-h914dp-port-notnight-hdpi"
        const val LANDSCAPE = "w914dp-h411dp-land-notnight-hdpi"
    }
}
