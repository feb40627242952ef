package com.example.demo.benchmark

import android.content.res.AssetManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import com.example.demo.classifier.BitmapPixels
import com.example.demo.core.benchmark.Predictions
import com.example.demo.core.benchmark.SamplePhoto

/** What models are fed, and what they should make of it. */
internal class SamplePhotos(
    val photos: List<SamplePhoto>,
    val predictions: Predictions,
) {
    companion object {
        private const val FOLDER = "benchmark"
        private const val PHOTOS = "photos"
        private const val PREDICTIONS = "predictions.json"

        /** Those in assets/benchmark, which packager put there; textures when there are none. */
        fun fromAssets(assets: AssetManager): SamplePhotos =
            read(assets.list("$FOLDER/$PHOTOS").orEmpty()) { assets.open("$FOLDER/$it") }

        /** Those of a folder with photos/ and predictions.json in it. */
        fun fromFolder(folder: File): SamplePhotos {
            val names = folder.resolve(PHOTOS).list().orEmpty()
            if (names.isEmpty()) {
                throw IOException("There are no photos in ${folder.resolve(PHOTOS)}.")
            }
            return read(names) { folder.resolve(it).inputStream() }
        }

        private fun read(
            names: Array<out String>,
            open: (String) -> InputStream,
        ): SamplePhotos {
            if (names.isEmpty()) return SamplePhotos(textures(), Predictions.NONE)
            val photos = names.sorted().map { BitmapPhoto(it, decode("$PHOTOS/$it", open)) }
            val text =
                try {
                    open(PREDICTIONS).use { it.readBytes().toString(Charsets.UTF_8) }
                } catch (_: FileNotFoundException) {
                    null
                }
            return SamplePhotos(photos, text?.let(Predictions::parse) ?: Predictions.NONE)
        }

        private fun decode(
            file: String,
            open: (String) -> InputStream,
        ): Bitmap {
            val options = BitmapFactory.Options().apply { inScaled = false }
            return open(file).use { BitmapFactory.decodeStream(it, null, options) }
                ?: throw IOException("$file is no picture that this phone can read.")
        }
    }
}

/** Its pixels are read into the same array each time, as an app does with its camera's frames. */
internal class BitmapPhoto(
    override val file: String,
    private val bitmap: Bitmap,
) : SamplePhoto {
    private val reader = BitmapPixels()
    override val width = bitmap.width
    override val height = bitmap.height

    override fun pixels(): IntArray = reader.read(bitmap)
}
