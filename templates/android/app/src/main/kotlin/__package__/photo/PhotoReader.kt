package [[ package ]].photo

import android.content.ContentResolver
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ImageDecoder
import android.net.Uri
import android.os.Build
import androidx.annotation.RequiresApi
import java.io.IOException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** Reads photos upright, and no larger than a screen and a model need them. */
class PhotoReader(
    private val resolver: ContentResolver,
) : Photos {
    override fun keep(photo: Uri) {
        try {
            resolver.takePersistableUriPermission(photo, Intent.FLAG_GRANT_READ_URI_PERMISSION)
        } catch (_: SecurityException) {
            // Whoever gave the photo gave it for now only.
        }
    }

    override suspend fun read(photo: Uri): Bitmap =
        withContext(Dispatchers.IO) {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
                decode(photo)
            } else {
                decodeBeforePie(photo)
            }
        }

    @RequiresApi(Build.VERSION_CODES.P)
    private fun decode(photo: Uri): Bitmap =
        ImageDecoder.decodeBitmap(ImageDecoder.createSource(resolver, photo)) { decoder, info, _ ->
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
            decoder.setTargetSampleSize(sampleSize(info.size.width, info.size.height))
        }

    private fun decodeBeforePie(photo: Uri): Bitmap {
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        open(photo).use { BitmapFactory.decodeStream(it, null, options) }
        options.inSampleSize = sampleSize(options.outWidth, options.outHeight)
        options.inJustDecodeBounds = false
        val bitmap =
            open(photo).use { BitmapFactory.decodeStream(it, null, options) }
                ?: throw IOException("$photo is no picture that this phone can read.")
        return bitmap.upright(open(photo).use { it.orientation() })
    }

    private fun open(photo: Uri) =
        resolver.openInputStream(photo) ?: throw IOException("$photo can't be opened.")

    private fun sampleSize(
        width: Int,
        height: Int,
    ): Int {
        var size = 1
        while (maxOf(width, height) / size > LONGEST_SIDE) size *= 2
        return size
    }

    private companion object {
        const val LONGEST_SIDE = 2048
    }
}
