package com.example.demo.photo

import android.annotation.SuppressLint
import android.graphics.Bitmap
import android.graphics.Matrix
import android.media.ExifInterface
import java.io.InputStream

/** How to turn or mirror a stored photo to see it upright, as its EXIF says; null for not at all. */
@SuppressLint("ExifInterface") // The platform's own reads JPEG files, which is enough here.
internal fun InputStream.orientation(): Matrix? {
    val orientation =
        ExifInterface(this).getAttributeInt(
            ExifInterface.TAG_ORIENTATION,
            ExifInterface.ORIENTATION_NORMAL,
        )
    return when (orientation) {
        ExifInterface.ORIENTATION_FLIP_HORIZONTAL -> turned(0f, mirrored = true)
        ExifInterface.ORIENTATION_ROTATE_180 -> turned(180f)
        ExifInterface.ORIENTATION_FLIP_VERTICAL -> turned(180f, mirrored = true)
        ExifInterface.ORIENTATION_TRANSPOSE -> turned(90f, mirrored = true)
        ExifInterface.ORIENTATION_ROTATE_90 -> turned(90f)
        ExifInterface.ORIENTATION_TRANSVERSE -> turned(270f, mirrored = true)
        ExifInterface.ORIENTATION_ROTATE_270 -> turned(270f)
        else -> null
    }
}

internal fun Bitmap.upright(orientation: Matrix?): Bitmap =
    if (orientation == null) {
        this
    } else {
        Bitmap.createBitmap(this, 0, 0, width, height, orientation, false)
    }

private fun turned(
    degrees: Float,
    mirrored: Boolean = false,
) = Matrix().apply {
    setRotate(degrees)
    if (mirrored) postScale(-1f, 1f)
}
