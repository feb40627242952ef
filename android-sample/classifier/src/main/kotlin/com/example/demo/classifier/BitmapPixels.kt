package com.example.demo.classifier

import android.graphics.Bitmap
import android.os.Build

/** The pixels of bitmaps as ARGB numbers, in an array that is kept while their size is. */
class BitmapPixels {
    private var argb = IntArray(0)

    fun read(bitmap: Bitmap): IntArray {
        val readable = bitmap.readable()
        val width = readable.width
        val height = readable.height
        if (argb.size != width * height) argb = IntArray(width * height)
        readable.getPixels(argb, 0, width, 0, 0, width, height)
        if (readable !== bitmap) readable.recycle()
        return argb
    }

    private fun Bitmap.readable(): Bitmap {
        val inGraphicsMemory =
            Build.VERSION.SDK_INT >= Build.VERSION_CODES.O && config == Bitmap.Config.HARDWARE
        if (!inGraphicsMemory) return this
        return checkNotNull(copy(Bitmap.Config.ARGB_8888, false)) {
            "There is no memory for a copy of the bitmap."
        }
    }
}
